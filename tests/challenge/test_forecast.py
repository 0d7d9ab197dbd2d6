"""How long it will wait: from what runs and what is ahead, in round words, or not at all."""

from __future__ import annotations

import datetime as dt
import html

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from challenge import forecast, guards, lineup, submissions
from challenge.models import Attempt, Submission
from tests import factories
from tests.conftest import Site

RUN, SCORED, OTHER = (1, True), (1, False), (2, True)


@pytest.mark.parametrize(
    ("ahead", "running", "expected"),
    [
        ({}, [], 0),  # Nothing runs and nothing waits: at once.
        ({RUN: 3}, [], None),  # What waits while nothing runs waits for something else.
        ({}, [(RUN, 40)], 60),
        ({}, [(RUN, 40), (RUN, 90)], 10),  # The first place that is free.
        ({RUN: 1}, [(RUN, 40), (RUN, 90)], 60),
        ({RUN: 4}, [(RUN, 0), (RUN, 0)], 300),
        ({RUN: 1, SCORED: 2}, [(RUN, 90)], 114),
        ({}, [(RUN, 500)], 10),  # Over its time: a tenth of it more, at least.
        ({OTHER: 1}, [(RUN, 0)], None),  # Nobody knows how long that takes.
        ({}, [(OTHER, 0)], None),
        ({RUN: 2_001}, [(RUN, 0)], None),
    ],
)
def test_seconds_until_it_starts(
    ahead: dict[forecast.Sort, int], running: list[tuple[forecast.Sort, float]], expected: float | None
) -> None:
    found = forecast.until_start(ahead, running, {RUN: 100, SCORED: 2})
    assert found == (expected if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "less than a minute"), (49, "less than a minute"), (55, "about 1 minute"), (236, "about 4 minutes"),
        (800, "about 15 minutes"), (3_300, "about 1 hour"), (7_000, "about 2 hours"), (200_000, "about 2 days"),
    ],
)  # fmt: skip
def test_in_round_words(seconds: float, text: str) -> None:
    assert forecast.words(seconds) == text


def took(seconds: list[float], verdict: str = "OK") -> None:
    """The newest attempts took so long."""
    guards.remove(connection)
    for attempt, duration in zip(Attempt.objects.filter(state="done").order_by("-pk"), seconds, strict=False):
        done = timezone.now() - dt.timedelta(minutes=5)
        changes = {"claimed_at": done - dt.timedelta(seconds=duration), "done_at": done, "verdict": verdict}
        Attempt.objects.filter(pk=attempt.pk).update(**changes)
    guards.install(connection)


@pytest.fixture
def queue(site: Site) -> Submission:
    """Two that took 200 and 280 s, one that runs since a minute, one that waits, and the one that is asked about."""
    for _ in range(2):
        factories.finished(site.phase, site.strangers)
    took([200, 280])
    factories.submission(site.phase, site.strangers)
    attempt = submissions.claim("test", 60, "test-host")
    assert attempt is not None
    Attempt.objects.filter(pk=attempt.pk).update(claimed_at=timezone.now() - dt.timedelta(seconds=60))
    factories.submission(site.phase, site.strangers)
    return factories.submission(site.phase, site.team)


def test_a_submission_that_waits_is_told_how_long(site: Site, queue: Submission, client: Client) -> None:
    place = lineup.place(queue)
    assert place.position == 1  # Teams take turns: 180 s are left of the one that runs.
    assert forecast.of_submission(queue, place) == "about 3 minutes"
    client.force_login(site.alice)
    page = html.unescape(client.get(reverse("submission", args=[queue.pk])).content.decode())
    assert "about 3 minutes" in page


def test_one_that_would_be_sent_now_waits_for_all(site: Site, queue: Submission) -> None:
    assert forecast.of_next(site.phase, "code") == "about 10 minutes", "180 s, and two of 240 s"


def test_nothing_is_told_where_too_little_is_known(site: Site, queue: Submission) -> None:
    took([200, 280], verdict="NOISE")
    cache.clear()
    assert forecast.of_submission(queue, lineup.place(queue)) == ""


def test_nothing_is_told_where_no_host_takes_it(site: Site, queue: Submission) -> None:
    site.phase.queue = "elsewhere"
    site.phase.save()
    queue.refresh_from_db()
    assert forecast.of_submission(queue, lineup.place(queue)) == ""
    assert forecast.of_next(site.phase, "code") == ""
