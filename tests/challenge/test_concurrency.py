"""Many at once, on a real database: SQLite here, PostgreSQL when test_services.py runs this file again."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest
from django.db import connection

from challenge import ranking, submissions
from challenge.models import Attempt, Board, BoardRow, Record, Score, State, Submission
from sandbox import Code
from tests import factories
from tests.conftest import Site

pytestmark = pytest.mark.django_db(transaction=True)

T = TypeVar("T")


def at_once(count: int, work: Callable[[int], T]) -> list[T]:
    """Runs `work(i)` in `count` threads that start together, each with its own connection."""
    start = threading.Barrier(count)

    def one(number: int) -> T:
        start.wait()
        try:
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_parallel_submits_never_exceed_the_quota(site: Site) -> None:
    site.phase.quota_per_day = 5
    site.phase.save()

    def submit(number: int) -> bool:
        try:
            factories.submission(site.phase, site.team, user=site.alice, title=f"try {number}")
        except submissions.Refused:
            return False
        return True

    assert sum(at_once(16, submit)) == 5
    assert Submission.objects.filter(state=State.QUEUED).count() == 5
    assert Submission.objects.count() == 5


def test_claimers_never_share_a_submission(site: Site) -> None:
    made = [factories.submission(site.phase, site.team) for _ in range(12)]
    claimed: list[Attempt] = []

    def claim_all(number: int) -> None:
        while attempt := submissions.claim(f"w{number}", 60):
            claimed.append(attempt)

    at_once(6, claim_all)
    assert sorted(str(attempt.submission_id) for attempt in claimed) == sorted(str(one.pk) for one in made)
    assert Attempt.objects.count() == 12


def test_one_of_two_publishers_wins(site: Site) -> None:
    factories.submission(site.phase, site.team)
    attempt = submissions.claim("w1", 60)
    assert sorted(at_once(4, lambda number: submissions.publish(attempt, factories.report()))) == [
        False,
        False,
        False,
        True,
    ]
    assert Score.objects.count() == 1


def test_publishers_of_one_team_leave_its_best_on_the_board(site: Site) -> None:
    attempts = []
    for _ in range(6):
        factories.submission(site.phase, site.team)
        attempts.append(submissions.claim("w1", 60))

    at_once(6, lambda number: submissions.publish(attempts[number], factories.report(miou=0.1 + number / 10)))
    assert BoardRow.objects.get(standing="best").miou == pytest.approx(0.6)
    assert Score.objects.count() == 6


def test_two_reapers_return_a_lease_once(site: Site) -> None:
    made = factories.submission(site.phase, site.team)
    attempt = submissions.claim("w1", -1)
    results = at_once(4, lambda number: submissions.platform_fault(attempt, Code.WORKER_LOST, "", only_if_expired=True))
    made.refresh_from_db()
    assert sorted(results) == [False, False, False, True]
    assert (made.state, made.platform_faults) == (State.QUEUED, 1)


def test_cancel_against_claim_has_one_winner(site: Site) -> None:
    made = [factories.submission(site.phase, site.team) for _ in range(6)]

    def race(number: int) -> None:
        if number % 2:
            submissions.cancel(Submission.objects.get(pk=made[number // 2].pk), by=site.alice)
        else:
            submissions.claim("w1", 60)

    at_once(6, race)
    for one in made:
        one.refresh_from_db()
        live = one.attempts.count()
        assert (one.state, live) in (("queued", 0), ("cancelled", 0), ("evaluating", 1))


def test_pages_and_workers_write_at_the_same_time(site: Site) -> None:
    """No "database is locked": heartbeats, claims, publishes and submits of many threads."""

    def work(number: int) -> int:
        for _ in range(4):
            factories.submission(site.phase, site.team, user=site.alice)
            attempt = submissions.claim(f"w{number}", 60)
            assert attempt is not None
            for done in range(4):
                assert submissions.advance(attempt, "running", done, 4)
                assert submissions.renew(attempt, 60)
            assert submissions.publish(attempt, factories.report())
        return number

    assert at_once(6, work) == list(range(6))
    assert Score.objects.count() == 24


def test_boards_are_right_after_many_teams_were_scored_chosen_and_disqualified_at_once(site: Site) -> None:
    """And none of them waits for another for ever, although a rebuild goes over all of them meanwhile."""
    teams = [factories.team(site.challenge, name=f"Team {number}") for number in range(8)]
    before = [factories.finished(site.phase, team, number / 20) for number, team in enumerate(teams, 1)]
    for team in teams:
        factories.submission(site.phase, team)
    attempts = {}
    while attempt := submissions.claim("w", 60):
        attempts[attempt.submission.team_id] = attempt

    def work(number: int) -> None:
        team, first = teams[number % 8], before[number % 8]
        if number < 8:
            found = factories.report(miou=0.9 - number / 20, latency_median_seconds=0.01 * (number + 1))
            assert submissions.publish(attempts[team.pk], found)
        elif number < 16:
            with contextlib.suppress(submissions.Refused):  # It may have been disqualified just before.
                ranking.choose_final(first, first.creator)
        elif number < 18:
            ranking.disqualify(first, site.olga, "at once")
        elif number < 20:
            ranking.disqualify(team, site.olga, "at once")
        else:
            ranking.rebuild(site.phase)

    at_once(22, work)
    seen = kept(site)
    ranking.rebuild(site.phase)
    assert kept(site) == seen
    assert Board.objects.get(standing="best").total == 6


def kept(site: Site) -> list[object]:
    """All that is kept of the boards of a phase."""
    return [
        list(BoardRow.objects.order_by("standing", "team").values_list("standing", "team", "submission", "miou")),
        list(Record.objects.values_list("submission", "miou")),
        [
            (board.standing, board.total, {axis: [m[:2] for m in front] for axis, front in board.fronts.items()})
            for board in Board.objects.order_by("standing")
        ],
    ]
