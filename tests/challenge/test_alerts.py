"""Mails to the operators: told once, told again, never in the way."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from django.core import mail
from django.db import connection, transaction
from django.utils import timezone

from challenge import alerts, delivery
from challenge.models import Alert


@pytest.fixture(autouse=True)
def operators(settings) -> None:
    settings.PARAKH_OPERATORS = ["ops@example.org", "night@example.org"]


def age(cause: str, hours: float) -> None:
    Alert.objects.filter(cause=cause).update(mailed_at=timezone.now() - dt.timedelta(hours=hours))


@pytest.mark.django_db(transaction=True)
def test_a_cause_is_mailed_once_an_hour_and_then_says_how_often_it_was_seen() -> None:
    for _ in range(4):
        alerts.alert("disk", "The disk\nis full", "Make room.")
    alerts.alert("worker", "No worker", "Start one.")
    assert [sent.subject for sent in mail.outbox] == 2 * ["[Parakh] The disk is full"] + 2 * ["[Parakh] No worker"]
    assert [sent.to for sent in mail.outbox[:2]] == [["ops@example.org"], ["night@example.org"]]
    age("disk", 1.1)
    alerts.alert("disk", "The disk is full", "Make room.")
    assert "Seen 3 more times since the last mail about it.\n\nMake room." in mail.outbox[4].body
    age("disk", 1.1)
    alerts.alert("disk", "The disk is full", "Make room.")
    assert "Seen" not in mail.outbox[6].body


@pytest.mark.django_db(transaction=True)
def test_workers_that_see_the_same_at_once_send_one_mail() -> None:
    def see() -> None:
        alerts.alert("platform fault", "subject", "body")
        connection.close()

    threads = [threading.Thread(target=see) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(mail.outbox) == 2  # One to each operator.
    assert Alert.objects.get().silenced == 7


@pytest.mark.django_db(transaction=True)
def test_what_was_rolled_back_is_not_told() -> None:
    with transaction.atomic():
        alerts.alert("cause", "subject", "body")
        transaction.set_rollback(True)
    assert mail.outbox == []


@pytest.mark.django_db(transaction=True)
def test_an_alert_waits_for_a_mail_server_that_does_not_answer(settings) -> None:
    working = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = (
        "django.core.mail.backends.smtp.EmailBackend",
        "127.0.0.1",
        1,
    )
    alerts.alert("cause", "subject", "body")  # Does not raise.
    settings.EMAIL_BACKEND = working
    assert delivery.deliver().sent == 2
    assert len(mail.outbox) == 2


@pytest.mark.django_db(transaction=True)
def test_nobody_to_mail_is_no_error(settings) -> None:
    settings.PARAKH_OPERATORS = []
    alerts.alert("cause", "subject", "body")
    assert mail.outbox == []
    assert Alert.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_causes_long_past_are_forgotten() -> None:
    Alert.objects.create(cause="old", seen_at=timezone.now() - dt.timedelta(days=91))
    alerts.alert("new", "subject", "body")
    assert [row.cause for row in Alert.objects.all()] == ["new"]
