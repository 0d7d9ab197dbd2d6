"""Where states change: the tables of what may follow what, and the only two functions that write a state.

Each write is conditional on the state (and, for a worker, the fence) it expects; the number of rows it changed says
whether it happened. Each leaves a line of history in the same transaction. The database holds the same tables and
refuses what they do not allow: see guards.py.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction

from challenge.celery import ring_bell
from challenge.models import Attempt, AttemptState, AttemptTransition, State, Submission, Transition
from challenge.results import storable

ALLOWED: dict[State, frozenset[State]] = {
    State.UPLOADING: frozenset({State.QUEUED, State.CANCELLED}),
    State.QUEUED: frozenset({State.EVALUATING, State.CANCELLED, State.FINISHED, State.FAILED}),
    State.EVALUATING: frozenset({State.FINISHED, State.FAILED, State.CANCELLED, State.QUEUED}),
    State.FINISHED: frozenset({State.QUEUED}),
    State.FAILED: frozenset({State.QUEUED}),
    State.CANCELLED: frozenset(),
}
"""From each state, where a submission may go. From `queued` straight to `finished` or `failed`: a re-run that is called
off leaves things as they were, and a held submission may be failed by the operators."""

_STAGES = tuple(AttemptState)

ATTEMPT_ALLOWED: dict[AttemptState, frozenset[AttemptState]] = {
    stage: frozenset(_STAGES[number + 1 :]) for number, stage in enumerate(_STAGES)
}
"""An attempt goes forward only. It may end in any stage, and a quick stage may be over before it is written."""


def move(
    submission: Submission,
    before: State,
    after: State,
    *,
    actor: str,
    reason: str,
    fence: int | None = None,
    set_fence: int | None = None,
    **changes: Any,
) -> bool:
    """One allowed transition, if the submission is still in `before` (and `fence` still holds), with its history.

    What is queued by it rings the bell of its queue on commit. False: it was not, and nothing changed. To be called
    inside a transaction.
    """
    if after not in ALLOWED[before]:
        raise RuntimeError(f"no submission goes from {before} to {after}")
    rows = Submission.objects.filter(pk=submission.pk, state=before)
    if fence is not None:
        rows = rows.filter(fence=fence)
    if set_fence is not None:
        changes["fence"] = set_fence
    if before is State.QUEUED:
        changes["held_at"] = None
    if rows.update(state=after, **changes) != 1:
        return False
    note_move(submission, before, after, actor, reason)
    if after is State.QUEUED and changes.get("held_at") is None:
        transaction.on_commit(partial(ring_bell, submission.phase.queue))
    return True


def note_move(submission: Submission, before: State, after: State, actor: str, reason: str) -> None:
    """A line of the submission's history."""
    Transition.objects.create(
        submission_id=submission.pk, before=before, after=after, actor=actor[:150], reason=storable(reason)[:300]
    )


def begin(attempt: Attempt, reason: str) -> None:
    """The first line of an attempt's history."""
    _note_step(attempt, "", AttemptState.CLAIMED, f"worker {attempt.worker}", reason)


def step(
    attempt: Attempt, after: AttemptState, *, actor: str, reason: str, held_by: Any = None, **changes: Any
) -> bool:
    """The attempt's next state, with its history. To be called inside a transaction.

    Args:
        held_by: the submissions of which one must be this attempt's, if its worker writes; None: do not ask.

    Returns:
        False, with nothing changed, if the attempt is not before `after` (or is not held) any more.
    """
    before = [state for state, following in ATTEMPT_ALLOWED.items() if after in following]
    rows = Attempt.objects.filter(pk=attempt.pk, state__in=before)
    if held_by is not None:
        rows = rows.filter(submission__in=held_by)
    was = rows.select_for_update(of=("self",)).values_list("state", flat=True).first()
    if was is None or not rows.filter(state=was).update(state=after, **changes):
        return False
    _note_step(attempt, was, after, actor, reason)
    return True


def _note_step(attempt: Attempt, before: str, after: AttemptState, actor: str, reason: str) -> None:
    AttemptTransition.objects.create(
        attempt_id=attempt.pk, before=before, after=after, actor=actor[:150], reason=storable(reason)[:300]
    )
