"""Mails to people, over a real mail server: written with what they tell of, sent afterwards, whatever dies."""

from __future__ import annotations

import datetime as dt
import os
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from challenge import delivery, mails, submissions, subscriptions
from challenge.models import Announcement, Challenge, Membership, Notice, Profile, State, Topic
from sandbox import Code
from tests import factories
from tests.browser.site import ROOT, running_site
from tests.challenge.mail_server import MailServer, free_port
from tests.conftest import Site

SMTP = "django.core.mail.backends.smtp.EmailBackend"


@pytest.fixture(autouse=True)
def to_the_server(settings: Any) -> int:
    """Mail goes to a port on loopback, where each test listens or does not."""
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = SMTP, "127.0.0.1", free_port()
    return settings.EMAIL_PORT


def body(mail: EmailMessage) -> str:
    return mail.get_content().replace("\r", "")


def note(number: int = 0, topic: Topic = Topic.TEAM, address: str = "alice@example.org", **given: Any) -> Notice:
    return Notice.objects.create(
        email=address, topic=topic, cause=f"cause {number}", subject=f"[Parakh] {number}", body="Words.\n", **given
    )


def later(**span: float) -> None:
    """As if so much time had passed since each mail was last looked at."""
    for notice in Notice.objects.all():
        notice.not_before -= dt.timedelta(**span)
        notice.save()


# What is told


def publish(site: Site, code: Code = Code.OK) -> None:
    factories.submission(site.phase, site.team, user=site.alice, title="ERFNet")
    attempt = submissions.claim("w1", 60)
    assert attempt is not None
    assert submissions.publish(attempt, factories.report(code))


def test_who_submitted_is_told_what_came_of_it(site: Site, to_the_server: int) -> None:
    publish(site)
    publish(site, Code.MEMORY_LIMIT)
    with MailServer(to_the_server) as server:
        assert delivery.deliver().sent == 2
    good, bad = server.mails
    assert good["To"] == "alice@example.org"
    assert good["Subject"] == "[Parakh] OK: ERFNet"
    assert "50.00 % mIoU" in body(good)
    assert "100 MiB" in body(good)
    assert re.search(r"/submissions/[0-9a-f-]{36}/\n", body(good))
    assert bad["Subject"] == "[Parakh] MEMORY_LIMIT: ERFNet"
    assert "It ended with MEMORY_LIMIT." in body(bad)
    assert "What to do: Try something else." in body(bad)
    assert "mIoU" not in body(bad)


def test_our_own_fault_is_told_once_it_is_final_and_a_cancelled_run_is_not(site: Site) -> None:
    made = factories.submission(site.phase, site.team)
    for _ in range(3):
        made.not_before = None
        made.save()
        attempt = submissions.claim("w1", 60)
        assert attempt is not None
        submissions.platform_fault(attempt, Code.HOST_FAULT, "a disk", only_if_expired=False)
        made.refresh_from_db()
    assert made.state == State.FAILED
    told = Notice.objects.get()
    assert "HOST_FAULT" in told.subject
    assert "a disk" not in told.body  # Operators read that, and nobody else.
    other = factories.submission(site.phase, site.team)
    submissions.claim("w1", 60)
    submissions.cancel(other, by=site.alice)
    attempt = other.attempts.get()
    assert submissions.publish(attempt, factories.report(Code.CANCELLED))
    assert Notice.objects.count() == 1


def test_a_re_run_is_told_again_but_the_same_end_only_once(site: Site) -> None:
    publish(site)
    made = site.team.submissions.get()
    submissions.rerun(made, site.olga)
    attempt = submissions.claim("w1", 60)
    assert attempt is not None
    assert submissions.publish(attempt, factories.report())
    mails.ended(made, factories.report().verdict, 1, None)
    assert [notice.cause for notice in Notice.objects.order_by("pk")] == [
        f"done {made.pk} {number} to {site.alice.pk}" for number in (1, 2)
    ]
    assert "was run again and has ended" in Notice.objects.last().body.replace("\n", " ")


def test_what_is_rolled_back_is_not_told(site: Site) -> None:
    with transaction.atomic():
        mails.disqualified(site.team)
        assert Notice.objects.count() == 2
        transaction.set_rollback(True)
    assert Notice.objects.count() == 0


@pytest.mark.parametrize(
    ("verification", "verified", "told"),
    [("optional", False, True), ("mandatory", False, False), ("mandatory", True, True)],
)
def test_only_addresses_that_are_hers_get_mail(
    site: Site, settings: Any, verification: str, verified: bool, told: bool
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = verification
    EmailAddress.objects.create(user=site.alice, email="alice@example.org", primary=True, verified=verified)
    assert (site.alice.pk in mails.addresses_of([site.alice])) is told


def test_no_word_of_a_person_becomes_a_header_or_steers_a_terminal(site: Site, to_the_server: int) -> None:
    site.team.name = "A\nBcc: all@example.org"
    site.team.disqualified_why = "because\x1b[2J \u202eevil\r\n.\r\nQUIT"
    mails.disqualified(site.team)
    with MailServer(to_the_server) as server:
        delivery.deliver()
    assert len(server.mails) == 2
    for mail in server.mails:
        assert mail["Bcc"] is None
        assert "A Bcc: all@example.org" in mail["Subject"]
        assert "\x1b" not in body(mail)
        assert "\u202e" not in body(mail)
        assert "QUIT" in body(mail)


# Announcements


def readers(challenge: Challenge, count: int) -> None:
    people = [factories.UserFactory.build(username=f"reader{number}", password="!") for number in range(count)]
    people = type(people[0]).objects.bulk_create(people)
    teams = [factories.Team(challenge=challenge, name=f"T{one.pk}", slug=f"t{one.pk}") for one in people]
    teams = factories.Team.objects.bulk_create(teams)
    Membership.objects.bulk_create(
        Membership(team=team, challenge=challenge, user=one) for team, one in zip(teams, people, strict=True)
    )


def test_news_reach_everybody_in_a_team_in_portions_and_other_mails_do_not_wait_behind_all(
    site: Site, to_the_server: int, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    monkeypatch.setattr(mails, "NEWS_BATCH", 10)
    readers(site.challenge, 22)  # With Alice, Bob and Carol 25.
    news = Announcement.objects.create(
        challenge=site.challenge, title="Sunday", body="- no queue\n- cake", mail_after=0
    )
    with django_assert_max_num_queries(15):
        assert mails.spread_news() == 10
    assert mails.spread_news() == 0  # Until those have gone out.
    urgent = note(1, topic=Topic.ACCOUNT)
    assert Notice.objects.filter(not_before__lt=urgent.not_before).count() == 10
    with MailServer(to_the_server) as server:
        mails.rounds()
    assert len(server.mails) == 26
    assert "- no queue\n- cake" in body(server.mails[0])
    news.refresh_from_db()
    assert (news.mail_after, news.mailed) == (None, 25)
    assert mails.spread_news() == 0


def test_news_are_for_those_who_want_them(site: Site, client: Client) -> None:
    Announcement.objects.create(challenge=site.challenge, title="Sunday", mail_after=0)
    Profile.objects.create(user=site.bob, mail_news=False)
    mails.spread_news()
    assert {notice.user for notice in Notice.objects.all()} == {site.alice, site.carol}


@pytest.mark.parametrize("change", [{"withdrawn_at": timezone.now()}, {"mail_after": None}])
def test_news_that_are_not_to_be_mailed_are_not(site: Site, change: dict[str, Any]) -> None:
    Announcement.objects.create(challenge=site.challenge, title="Sunday", **{"mail_after": 0} | change)
    assert mails.spread_news() == 0
    assert Notice.objects.count() == 0


# Stopping them


def test_one_click_stops_them_and_looking_does_not(site: Site, to_the_server: int) -> None:
    publish(site)
    with MailServer(to_the_server) as server:
        delivery.deliver()
    (mail,) = server.mails
    link = mail["List-Unsubscribe"].strip(" <>")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert link in body(mail)
    path = re.sub(r"^https?://[^/]+", "", link)
    stranger = Client(enforce_csrf_checks=True)
    assert "Stop these mails?" in stranger.get(path).content.decode()
    assert not Profile.objects.filter(mail_when_done=False).exists()
    assert stranger.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert Profile.objects.get().user == site.alice
    publish(site)
    assert Notice.objects.count() == 1


def test_a_link_that_was_tampered_with_is_none(site: Site, client: Client) -> None:
    link = subscriptions.link(site.alice.pk, Topic.NEWS)
    assert client.post(link[:-3] + "x/").status_code == 404
    assert client.post("/mail/stop/nothing/").status_code == 404
    assert not Profile.objects.exists()


def test_what_was_done_to_a_person_can_not_be_stopped(site: Site, to_the_server: int) -> None:
    mails.disqualified(site.team)
    with MailServer(to_the_server) as server:
        delivery.deliver()
    assert server.mails[0]["List-Unsubscribe"] is None


# Sending, whatever happens


def test_a_server_that_is_down_delays_only_mails(site: Site, to_the_server: int) -> None:
    publish(site)
    done = delivery.deliver()
    assert "refused" in done.server_error
    assert Notice.objects.get().tries == 0  # It is not the mail's fault.
    with MailServer(to_the_server) as server:
        assert delivery.deliver().sent == 1
        assert delivery.deliver().sent == 0
    assert len(server.mails) == 1


def test_a_mail_that_is_not_taken_is_tried_again_after_pauses_then_given_up_and_operators_told(
    db: None, settings: Any, to_the_server: int
) -> None:
    settings.PARAKH_OPERATORS = ["ops@example.org"]
    note(address="gone@example.org")
    note(2)
    with MailServer(to_the_server, refuses=frozenset({"gone@example.org"})) as server:
        assert (done := delivery.deliver()).failed == 1
        assert done.sent == 1  # The other mail is not held up.
        for pause in delivery.PAUSES:
            assert delivery.deliver().failed == 0  # Not yet.
            later(seconds=pause.total_seconds() + 1)
            done = delivery.deliver()
        assert "gone@example.org" in done.given_up[0]
        assert "no such mailbox" in done.given_up[0]
        later(days=1)
        assert delivery.deliver() == delivery.Round()
        mails._tell_operators(done.given_up)
    assert Notice.objects.get(email="gone@example.org").given_up_at is not None
    assert len(server.mails) == 1


@pytest.mark.django_db(transaction=True)
def test_operators_are_told_once_of_what_was_given_up(settings: Any, to_the_server: int) -> None:
    settings.PARAKH_OPERATORS = ["ops@example.org"]
    note(1, address="gone@example.org", tries=len(delivery.PAUSES))
    note(2, topic=Topic.OPERATORS, address="gone@example.org", tries=len(delivery.PAUSES))
    with MailServer(to_the_server, refuses=frozenset({"gone@example.org"})) as server:
        mails.rounds()
        mails.rounds()
    (told,) = server.mails
    assert told["To"] == "ops@example.org"
    assert told["Subject"] == "[Parakh] 1 mail was given up"
    assert "gone@example.org" in body(told)


def test_what_waited_for_days_is_given_up(db: None, to_the_server: int) -> None:
    note(1, created=timezone.now() - delivery.TOO_OLD - dt.timedelta(minutes=1))
    note(2)
    with MailServer(to_the_server) as server:
        done = delivery.deliver()
    assert done.given_up == ["1 mail that waited for 3 days"]
    assert len(server.mails) == 1


@pytest.mark.parametrize("answer", ["451 try later", "554 no"])
def test_a_server_that_refuses_the_words_ends_no_round(db: None, to_the_server: int, answer: str) -> None:
    for number in range(3):
        note(number)
    with MailServer(to_the_server, answer=lambda mail: answer) as server:
        assert delivery.deliver().failed == 3
    assert server.mails == []


@pytest.mark.django_db(transaction=True)
def test_many_senders_send_each_mail_once(to_the_server: int) -> None:
    for number in range(40):
        note(number)

    def send(number: int) -> int:
        try:
            return delivery.deliver().sent
        finally:
            connection.close()

    with MailServer(to_the_server) as server, ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(send, range(6))) == 40
    assert len({mail["Message-ID"] for mail in server.mails}) == len(server.mails) == 40


def test_words_that_open_an_account_are_not_kept(db: None, to_the_server: int) -> None:
    note(1, topic=Topic.ACCOUNT)
    note(2)
    with MailServer(to_the_server) as server:
        delivery.deliver()
    assert len(server.mails) == 2
    assert [notice.body for notice in Notice.objects.order_by("pk")] == ["", "Words.\n"]


def test_what_is_long_past_is_forgotten(db: None, to_the_server: int) -> None:
    old = timezone.now() - delivery.KEPT - dt.timedelta(days=1)
    note(1, created=old, sent_at=old)
    note(2, sent_at=timezone.now())
    delivery.deliver()
    assert [notice.cause for notice in Notice.objects.all()] == ["cause 2"]


DELIVER = """
import django
django.setup()
from challenge import delivery
print(delivery.deliver())
"""

WRITE = """
import django
django.setup()
from challenge.models import Notice
Notice.objects.create(email="alice@example.org", cause="one", subject="One", body="Words.", topic="team")
"""

SHOW = """
import datetime as dt, django
django.setup()
from challenge.models import Notice
one = Notice.objects.get()
print(one.tries, one.sent_at is not None)
one.not_before -= dt.timedelta(minutes=10, seconds=1)
one.save()
"""


def test_killed_between_sending_and_noting_it_is_sent_once_more_under_the_same_id(tmp_path: Path) -> None:
    killed: list[int] = []

    def kill(mail: EmailMessage) -> str:
        """The server has the mail; its sender does not hear of it any more."""
        if not killed:
            killed.append(sender.pid)
            os.kill(sender.pid, signal.SIGKILL)
        return "250 OK"

    with running_site(tmp_path / "var") as site, MailServer(answer=kill) as server:
        site.env |= {"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": str(server.port)}
        site.python("-c", WRITE)
        sender = subprocess.Popen([sys.executable, "-c", DELIVER], cwd=ROOT, env=site.env)
        assert sender.wait(60) == -signal.SIGKILL
        assert "sent=0" in site.python("-c", DELIVER)  # For a while it belongs to the one that died.
        assert site.python("-c", SHOW).split() == ["1", "False"]
        assert "sent=1" in site.python("-c", DELIVER)
        assert site.python("-c", SHOW).split() == ["2", "True"]
        assert "sent=0" in site.python("-c", DELIVER)
    first, second = server.mails
    assert first["Message-ID"] == second["Message-ID"]


def test_without_a_mail_server_mails_are_files(db: None, settings: Any, tmp_path: Path, monkeypatch: Any) -> None:
    settings.EMAIL_BACKEND, settings.MAIL_DIR = "challenge.mail_files.EmailBackend", tmp_path / "mail"
    monkeypatch.setattr("challenge.mail_files.MOST_FILES", 3)
    for number in range(5):
        note(number, address=f"a/../{number}@example.org")
    assert delivery.deliver().sent == 5
    names = sorted(path.name for path in settings.MAIL_DIR.iterdir())
    assert len(names) == 3
    assert names[-1].endswith("-to-a_.._4@example.org.txt")
    path = settings.MAIL_DIR / names[-1]
    assert "Words." in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
