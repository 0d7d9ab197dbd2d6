"""52. Clocks that jump: the database's, and a worker's. On SQLite here, on PostgreSQL by test_services.py."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from django.db import connection
from django.utils import timezone

from challenge import submissions
from challenge.models import State
from challenge.worker import reaper
from sandbox import Code
from tests import factories
from tests.conftest import Site

LEASE = 60
HOUR = 3600


@pytest.fixture
def set_clock(site: Site) -> Callable[[float], None]:
    """Sets the database's own clock that many seconds ahead, for this connection: the machine's stays as it is."""
    return _sqlite_clock if connection.vendor == "sqlite" else _postgresql_clock


def _sqlite_clock(ahead: float) -> None:
    def strftime(form: str, *when: str) -> str:
        now = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=ahead)
        return f"{now:%Y-%m-%d %H:%M:%S}.{now.microsecond // 1000:03}"

    connection.connection.create_function("strftime", -1, strftime)


def _postgresql_clock(ahead: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA IF NOT EXISTS clock")
        cursor.execute(
            "CREATE OR REPLACE FUNCTION clock.statement_timestamp() RETURNS timestamptz LANGUAGE sql STABLE AS "
            f"$$ SELECT pg_catalog.statement_timestamp() + interval '{ahead} seconds' $$"
        )
        cursor.execute("SET search_path = clock, public, pg_catalog")  # Before the database's own function.


@pytest.fixture(autouse=True)
def clock_is_right_again() -> None:
    """A connection with another clock is not used again."""
    yield
    connection.close()


def test_the_clock_of_the_test_is_really_set(site: Site, set_clock: Callable[[float], None]) -> None:
    set_clock(5 * HOUR)
    factories.submission(site.phase, site.team)
    attempt = submissions.claim("w", LEASE)
    assert abs((attempt.claimed_at - timezone.now()).total_seconds() - 5 * HOUR) < 60


@pytest.mark.parametrize("hours", [-30, 30])
def test_a_worker_whose_clock_is_wrong_keeps_its_lease_and_publishes(
    site: Site, hours: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = factories.submission(site.phase, site.team)
    attempt = submissions.claim("w", LEASE)
    wrong = timezone.now() + dt.timedelta(hours=hours)
    monkeypatch.setattr(timezone, "now", lambda: wrong)
    assert submissions.renew(attempt, LEASE)
    reaper.reap()
    assert submissions.publish(attempt, factories.report())
    made.refresh_from_db()
    assert made.state == State.FINISHED
    lasted = submissions.newest_attempt(made)
    assert 0 <= (lasted.done_at - lasted.claimed_at).total_seconds() < 60


def test_a_jump_ahead_costs_a_try_and_nothing_else(site: Site, set_clock: Callable[[float], None]) -> None:
    made = factories.submission(site.phase, site.team)
    first = submissions.claim("w1", LEASE)
    set_clock(HOUR)
    reaper.reap()
    second = submissions.claim("w2", LEASE)
    assert second.number == 2
    assert not submissions.publish(first, factories.report(miou=0.9)), "the first is too late"
    assert submissions.publish(second, factories.report(miou=0.4))
    made.refresh_from_db()
    assert (made.score.miou, made.charged) == (0.4, True)


def test_a_jump_back_does_not_leave_a_dead_worker_with_a_long_lease(
    site: Site, set_clock: Callable[[float], None], settings
) -> None:
    settings.PARAKH_LEASE_SECONDS = LEASE
    made = factories.submission(site.phase, site.team)
    set_clock(HOUR)
    attempt = submissions.claim("dies", LEASE)
    set_clock(0)
    reaper.reap()
    made.refresh_from_db()
    assert (made.lease_until - timezone.now()).total_seconds() <= 2 * LEASE + 5
    set_clock(3 * LEASE)
    reaper.reap()
    made.refresh_from_db()
    assert made.state == State.QUEUED
    assert not submissions.publish(attempt, factories.report())


def test_a_jump_back_does_not_prolong_a_pause(site: Site, set_clock: Callable[[float], None]) -> None:
    made = factories.submission(site.phase, site.team)
    set_clock(HOUR)
    submissions.platform_fault(submissions.claim("w", LEASE), Code.ENGINE_FAULT, "")
    set_clock(0)
    reaper.reap()
    assert submissions.claim("w", LEASE).submission == made
