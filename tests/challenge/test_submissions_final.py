"""What the database refuses by itself, and the history that is left of everything."""

from __future__ import annotations

import itertools

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from challenge import states, submissions
from challenge.models import Attempt, AttemptState, AttemptTransition, Score, State, Submission, Transition
from sandbox import Code
from tests import factories
from tests.conftest import Site


def refused(rows, **changes: object) -> str:
    """What the database says to an UPDATE; fails where it takes it."""
    with pytest.raises(IntegrityError) as seen, transaction.atomic():
        rows.update(**changes)
    return str(seen.value)


def test_a_done_attempt_and_its_score_never_change(site: Site) -> None:
    made = factories.finished(site.phase, site.team)
    attempts = made.attempts.all()
    assert "a done attempt never changes" in refused(attempts, verdict="TIME_LIMIT")
    assert "a done attempt never changes" in refused(attempts, measurements={})
    assert "a done attempt never changes" in refused(attempts, state="running", verdict="", done_at=None)
    assert "a score never changes" in refused(Score.objects.all(), miou=0.99)
    assert "history never changes" in refused(Transition.objects.all(), actor="nobody")
    assert "history never changes" in refused(AttemptTransition.objects.all(), reason="")


@pytest.mark.parametrize(("before", "after"), list(itertools.product(State.values, State.values)))
def test_the_database_knows_the_table_of_transitions(site: Site, before: str, after: str) -> None:
    made = factories.finished(site.phase, site.team)
    team, creator = site.strangers, site.carol
    row = Submission.objects.create(
        phase=site.phase,
        team=team,
        creator=creator,
        kind="code",
        title="x",
        state=before,
        score=made.score,
        lease_until=timezone.now() if before == "evaluating" else None,
    )
    rows = Submission.objects.filter(pk=row.pk)
    lease = {"lease_until": timezone.now() if after == "evaluating" else None}
    if before == after or State(after) in states.ALLOWED[State(before)]:
        assert rows.update(state=after, **lease) == 1
    else:
        assert "can not go from its state" in refused(rows, state=after, **lease)


def test_what_came_of_a_submission_never_changes(site: Site) -> None:
    made = factories.finished(site.phase, site.team, miou=0.4)
    better = factories.finished(site.phase, site.strangers, miou=0.9).score
    cancelled = factories.submission(site.phase, site.team)
    submissions.cancel(cancelled, by=site.alice)
    for one in (made, cancelled):
        row = Submission.objects.filter(pk=one.pk)
        for change in ({"score": better}, {"finished_at": None}, {"fence": 9}, {"attempt_count": 9}):
            assert "what came of a submission never changes" in refused(row, **change)
        assert row.update(title="may be renamed") == 1


def test_an_attempt_goes_forward_only(site: Site) -> None:
    factories.submission(site.phase, site.team)
    attempt = submissions.claim("w1", 60)
    assert submissions.advance(attempt, AttemptState.SCORING, 4, 4)
    assert not submissions.advance(attempt, AttemptState.RUNNING, 1, 4)
    assert "can not go from its state" in refused(Attempt.objects.all(), state="admitting")


def test_one_live_attempt_a_submission(site: Site) -> None:
    factories.submission(site.phase, site.team)
    attempt = submissions.claim("w1", 60)
    attempt.pk, attempt.number = None, 2
    with pytest.raises(IntegrityError), transaction.atomic():
        attempt.save()


def test_finished_means_that_there_is_a_score(site: Site) -> None:
    made = factories.submission(site.phase, site.team)
    assert "finished_has_score" in refused(Submission.objects.filter(pk=made.pk), state="finished")


def test_every_state_leaves_a_line_with_actor_and_reason(site: Site) -> None:
    made = factories.submission(site.phase, site.team)
    attempt = submissions.claim("w1", 60)
    for stage, done in ((AttemptState.RUNNING, 0), (AttemptState.RUNNING, 3), (AttemptState.SCORING, 4)):
        assert submissions.advance(attempt, stage, done, 4)
    assert submissions.publish(attempt, factories.report())
    steps = [(step.before, step.after, step.actor) for step in attempt.transitions.all()]
    assert steps == [
        ("", "claimed", "worker w1"),
        ("claimed", "running", "worker w1"),
        ("running", "scoring", "worker w1"),
        ("scoring", "done", "worker w1"),
    ]
    assert attempt.transitions.last().reason.startswith("OK: ")
    assert all(move.reason for move in made.transitions.all())


def test_what_is_handed_back_is_nobodys_fault(site: Site) -> None:
    made = factories.submission(site.phase, site.team)
    other = factories.submission(site.phase, site.strangers)
    attempt = submissions.claim("w1", 60)
    assert submissions.hand_back(attempt)
    assert not submissions.hand_back(attempt)
    assert not submissions.publish(attempt, factories.report())
    made.refresh_from_db()
    assert (made.state, made.platform_faults, made.workers_lost) == (State.QUEUED, 0, 0)
    assert "nothing of your quota" in submissions.newest_attempt(made).advice
    assert [submissions.claim("w2", 60).submission for _ in "ab"] == [made, other], "it is first again"


def test_what_was_handed_back_uses_no_quota_whatever_comes_after(site: Site) -> None:
    cancelled, failed = (factories.submission(site.phase, team) for team in (site.team, site.strangers))
    for _ in range(2):
        assert submissions.hand_back(submissions.claim("w1", 60))
        Submission.objects.filter(pk=cancelled.pk).update(turn=1000)
    submissions.cancel(cancelled, by=site.alice)
    for _ in range(3):
        Submission.objects.update(not_before=None)
        submissions.platform_fault(submissions.claim("w1", 60), Code.DISK_FAULT, "")
    failed.refresh_from_db()
    assert (failed.state, failed.charged, cancelled.charged) == (State.FAILED, False, False)


def test_handing_back_what_was_cancelled_ends_it(site: Site) -> None:
    made = factories.submission(site.phase, site.team)
    attempt = submissions.claim("w1", 60)
    submissions.cancel(made, by=site.alice)
    assert submissions.hand_back(attempt)
    made.refresh_from_db()
    assert made.state == State.CANCELLED


@pytest.mark.parametrize("is_running", [False, True])
def test_an_organizer_calls_off_a_rerun_and_the_score_stays(site: Site, is_running: bool) -> None:
    made = factories.finished(site.phase, site.team, miou=0.6)
    failed = factories.submission(site.phase, site.strangers)
    submissions.publish(submissions.claim("w1", 60), factories.report(Code.TIME_LIMIT))
    for one, state in ((made, State.FINISHED), (failed, State.FAILED)):
        one.refresh_from_db()
        submissions.rerun(one, by=site.olga)
        with pytest.raises(submissions.Refused, match="An organizer has this submission run again"):
            submissions.cancel(one, by=one.creator)
        attempt = submissions.claim("w1", 60) if is_running else None
        submissions.cancel(one, by=site.olga)
        if attempt:
            assert submissions.publish(attempt, factories.report(Code.CANCELLED))
        one.refresh_from_db()
        assert one.state == state
    assert made.score.miou == 0.6
    assert site.phase.board_rows.get(standing="best").miou == 0.6
