"""Everything that happens to a submission, from create to publish.

The database is the truth. Each write of a state goes through states.py: conditional on the state (and, for a worker,
the fence) it expects, with a line of history. Nothing else in Parakh writes states, but for holds.py.

    uploading ─► queued ─► evaluating ─► finished | failed | cancelled
                   ▲            │
                   ├────────────┘  after a platform fault, or handed back by a worker that was told to stop
                   └── finished | failed, by a re-run only; back to them where that is called off
"""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import DateTimeField, ExpressionWrapper, QuerySet, Value
from django.db.models.functions import Least, Now

from challenge import faults, hosts, lineup, mails, permissions, ranking, results, states
from challenge.admission import Refused as Refused
from challenge.intake import begin as begin
from challenge.intake import complete as complete
from challenge.intake import create as create
from challenge.intake import drop_broken_uploads as drop_broken_uploads
from challenge.intake import receive as receive
from challenge.intake import resume as resume
from challenge.models import Attempt, AttemptState, Host, Kind, State, Submission
from evaluator.report import Report
from sandbox import Code, Limits, Verdict

GRACE_SECONDS = 100
"""A lease never reaches further than this past the run's own limit. With the reaper's round it makes two minutes."""


# What a worker writes


def claim(worker: str, lease_seconds: float, host: str | None = None, *, only: Kind | None = None) -> Attempt | None:
    """Takes the next submission: one UPDATE decides who has it. None if nothing is due, or the host has no room.

    Args:
        worker: name of the worker, for the record.
        lease_seconds: how long it is ours without a sign of life.
        host: name of the host that will run it, which takes what it can give. None: whatever is next.
        only: nothing but this kind.
    """
    while True:
        with transaction.atomic():
            here = hosts.in_turn(host) if host is not None else None
            if host is not None and here is None:
                return None  # It is quarantined, or was never registered.
            next_one = _next(here, only)
            if next_one is not None and here is not None and _waits_for_room(next_one, here):
                # No run behind it may overtake: small ones would keep a large one out for ever. Predictions take
                # nothing from it.
                next_one = _next(here, Kind.PREDICTIONS)
            if next_one is None:
                return None
            limits = next_one.phase.limits
            if states.move(
                next_one,
                State.QUEUED,
                State.EVALUATING,
                actor=f"worker {worker}",
                reason=f"claimed for attempt {next_one.attempt_count + 1}",
                fence=next_one.fence,
                set_fence=next_one.fence + 1,
                attempt_count=next_one.attempt_count + 1,
                lease_until=Now() + dt.timedelta(seconds=lease_seconds),
                not_before=None,
                note="",
            ):
                return _new_attempt(next_one.pk, worker, here, limits)


def _next(host: Host | None, only: Kind | None) -> Submission | None:
    """The first that is due and that no other claimer is about to take; locked, where the database can."""
    due = lineup.next_due(host, only).select_related("phase")
    if connection.features.has_select_for_update_skip_locked:
        due = due.select_for_update(of=("self",), skip_locked=True)
    return due.first()


def _waits_for_room(submission: Submission, host: Host) -> bool:
    return Kind(submission.kind).runs and not hosts.has_room(host, submission.phase.limits)


def _new_attempt(submission_pk: Any, worker: str, host: Host | None, limits: Limits) -> Attempt:
    """The record of the try that has just been claimed, with the snapshot of what it runs under."""
    submission = Submission.objects.select_related("phase__dataset", "team").get(pk=submission_pk)
    attempt = Attempt.objects.create(
        submission=submission,
        number=submission.attempt_count,
        fence=submission.fence,
        worker=worker,
        ran_on=host,
        limits_data=limits.as_dict(),
        contract=submission.phase.contract,
        seed=secrets.randbelow(2**63),
        claimed_at=Now(),
    )
    attempt.refresh_from_db(fields=["claimed_at"])
    states.begin(attempt, f"attempt {attempt.number}")
    return attempt


def deadline(attempt: Attempt) -> dt.datetime:
    """When the attempt is taken for lost, whatever its worker says. By the database's clock, as all of a lease is."""
    return attempt.claimed_at + dt.timedelta(seconds=attempt.limits.total_seconds + GRACE_SECONDS)


def renew(attempt: Attempt, lease_seconds: float) -> bool:
    """A sign of life: the lease lasts `lease_seconds` more, but never past the deadline. False: it is ours no more."""
    ends = deadline(attempt)
    now = ExpressionWrapper(Now(), output_field=DateTimeField())
    lease = Least(Now() + dt.timedelta(seconds=lease_seconds), Value(ends))
    return _held(attempt).alias(now=now).filter(now__lt=ends).update(lease_until=lease) == 1


def advance(attempt: Attempt, state: AttemptState, images_done: int, images_total: int) -> bool:
    """Says how far the attempt is. False: it is ours no more."""
    progress = {"images_done": images_done, "images_total": images_total}
    live = Attempt.objects.filter(pk=attempt.pk, submission__in=_held(attempt)).exclude(state=AttemptState.DONE)
    if live.filter(state=state).update(**progress):
        return True
    with transaction.atomic():
        return states.step(
            attempt,
            state,
            actor=f"worker {attempt.worker}",
            reason=f"{images_done} of {images_total} images",
            held_by=_held(attempt),
            **progress,
        )


def is_cancel_requested(attempt: Attempt) -> bool:
    """True once somebody wants the run ended."""
    return _held(attempt).filter(cancel_requested=True).exists()


def _held(attempt: Attempt) -> QuerySet[Submission]:
    """The submission, as long as this attempt holds it."""
    return Submission.objects.filter(pk=attempt.submission_id, state=State.EVALUATING, fence=attempt.fence)


def publish(attempt: Attempt, report: Report) -> bool:
    """Writes the result of an attempt, its score and the board, in one transaction.

    Returns:
        False, with nothing changed, if the attempt is not the worker's any more: its lease was taken, or the result
        has been published before.
    """
    with transaction.atomic():
        submission = _held(attempt).select_for_update().first()
        if submission is None:
            return False
        code = report.verdict.code
        if code is Code.CANCELLED and not submission.cancel_requested:
            return platform_fault(attempt, Code.WORKER_LOST, "the run was stopped: its lease or its time was over")
        if code.is_platform:
            return platform_fault(attempt, code, report.verdict.sentence)
        facts = results.facts(report, hidden=submission.phase.hidden_data)
        _finish(attempt, report.verdict, f"worker {attempt.worker}", **facts)
        score = (
            results.new_score(submission.phase, attempt, report.scores, report)
            if code is Code.OK and report.scores
            else None
        )
        after = State.FINISHED if score else State.FAILED
        if code is Code.CANCELLED:
            after, score = faults.called_off(submission), submission.score
        states.move(
            submission,
            State.EVALUATING,
            after,
            actor=f"worker {attempt.worker}",
            reason=f"{code}: {report.verdict.sentence}",
            fence=attempt.fence,
            score=score,
            lease_until=None,
            finished_at=Now(),
        )
        ranking.refresh(submission.phase, submission.team)
        if code is not Code.CANCELLED:
            mails.ended(submission, report.verdict, attempt.number, score)
    return True


def platform_fault(attempt: Attempt, code: Code, detail: str, *, only_if_expired: bool = False) -> bool:
    """Ends an attempt that failed by our fault: the submission waits again, or fails after the third time.

    Args:
        detail: what failed; for operators only.
        only_if_expired: change nothing if the worker has renewed its lease in the meantime (the reaper's case).

    Returns:
        False, with nothing changed, if the attempt was ended already.
    """
    with transaction.atomic():
        held = _held(attempt)
        if only_if_expired:
            held = held.filter(lease_until__lt=Now())
        submission = held.select_for_update().first()
        if submission is None:
            return False
        count = submission.platform_faults + 1
        lost = submission.workers_lost + int(only_if_expired)
        after = faults.next_state(submission, count)
        is_held = after is State.QUEUED and lost >= faults.MOST_WORKERS_LOST
        actor = "reaper" if only_if_expired else f"worker {attempt.worker}"
        ended = faults.words(code, after, is_held)
        _finish(attempt, ended, actor, fault=results.storable(detail))
        next_step: dict[str, Any] = {"finished_at": Now()}
        if after is State.QUEUED:
            pause = dt.timedelta(seconds=faults.pause_seconds(code, count))
            next_step = {"turn": lineup.current_turn(), "not_before": Now() + pause}
        if is_held:
            next_step |= {"held_at": Now(), "note": faults.HELD_NOTE}
        states.move(
            submission,
            State.EVALUATING,
            after,
            actor=actor,
            reason=f"{code}: our fault, not the submission's" + (f". {faults.HELD_NOTE}" if is_held else ""),
            fence=attempt.fence,
            set_fence=submission.fence + 1,
            platform_faults=count,
            workers_lost=lost,
            charged=submission.charged and (after not in (State.FAILED, State.CANCELLED) or faults.is_used(submission)),
            lease_until=None,
            **next_step,
        )
        if code in hosts.FAULTS and attempt.ran_on is not None:
            hosts.quarantine_if_broken(attempt.ran_on)
        faults.alert(attempt, after, code, detail, is_held)
        if after in (State.FAILED, State.FINISHED) and not submission.cancel_requested:
            mails.ended(submission, ended, attempt.number, None)
    return True


def hand_back(attempt: Attempt) -> bool:
    """Puts a submission back at the head of the queue because its worker was told to stop: no fault of anybody's.

    Returns:
        False, with nothing changed, if the attempt was ended already.
    """
    with transaction.atomic():
        submission = _held(attempt).select_for_update().first()
        if submission is None:
            return False
        actor = f"worker {attempt.worker}"
        is_cancelled = submission.cancel_requested
        _finish(attempt, faults.handed_back(), actor)
        states.move(
            submission,
            State.EVALUATING,
            faults.called_off(submission) if is_cancelled else State.QUEUED,
            actor=actor,
            reason="handed back: the worker was told to stop",
            fence=attempt.fence,
            set_fence=submission.fence + 1,
            lease_until=None,
            **({"finished_at": Now()} if is_cancelled else {"turn": lineup.current_turn()}),
        )
    return True


def _finish(attempt: Attempt, ended: Verdict, actor: str, **facts: Any) -> None:
    """Closes the attempt's record; the caller holds the submission."""
    changed = states.step(
        attempt,
        AttemptState.DONE,
        actor=actor,
        reason=f"{ended.code}: {ended.sentence}",
        done_at=Now(),
        verdict=ended.code.value,
        sentence=results.storable(ended.sentence),
        advice=results.storable(ended.advice),
        flags=[flag.value for flag in ended.flags],
        **facts,
    )
    if not changed:
        raise RuntimeError(f"attempt {attempt.pk} was done while its submission was still held")


# What people ask for


def cancel(submission: Submission, by: User) -> None:
    """Ends a submission that is not done: at once if it waits, within seconds if it runs.

    A re-run is an organizer's to call off; the submission then stays as it was before, with its score.

    Raises:
        Refused: it is done already, or runs again and `by` is no organizer.
    """
    with transaction.atomic():
        # Locked: what is asked of it here must still be so when it is ended.
        Submission.objects.select_for_update().get(pk=submission.pk)
        submission.refresh_from_db()
        if is_rerun(submission) and not submission.is_final and not permissions.can_rerun(by, submission):
            raise Refused("An organizer has this submission run again. It can't be cancelled; its score stays.")
        for before, after in ((State.UPLOADING, State.CANCELLED), (State.QUEUED, faults.called_off(submission))):
            if states.move(
                submission,
                before,
                after,
                actor=by.get_username(),
                reason="cancelled before it ran",
                charged=submission.charged and faults.is_used(submission),
                finished_at=Now(),
            ):
                submission.refresh_from_db()
                return
        running = Submission.objects.filter(pk=submission.pk, state=State.EVALUATING)
        if running.update(cancel_requested=True):
            submission.refresh_from_db()
            return
    submission.refresh_from_db()
    raise Refused(f"This submission is {submission.state} already.")


def is_rerun(submission: Submission) -> bool:
    """True if it had ended before and was queued again since."""
    return submission.finished_at is not None


def rerun(submission: Submission, by: User) -> None:
    """Queues a submission again, at no cost to its team. Its score stays until the new attempt is published.

    Raises:
        Refused: it is not finished or failed.
    """
    with transaction.atomic():
        for before in (State.FINISHED, State.FAILED):
            if states.move(
                submission,
                before,
                State.QUEUED,
                actor=by.get_username(),
                reason="run again",
                queued_at=Now(),
                turn=lineup.current_turn(),
                platform_faults=0,
                workers_lost=0,
                cancel_requested=False,
                not_before=None,
                note="",
            ):
                submission.refresh_from_db()
                return
    submission.refresh_from_db()
    raise Refused(f"This submission is {submission.state}; only a finished or failed one can be run again.")


def newest_attempt(submission: Submission) -> Attempt | None:
    """The attempt under way, or the last one."""
    return submission.attempts.order_by("-number").first()
