"""What follows from a fault of the platform: rules and words, used by submissions.platform_fault alone."""

from __future__ import annotations

import dataclasses

import structlog

from challenge.models import Attempt, State, Submission
from sandbox import Code, Observation, Verdict, verdict

log = structlog.get_logger(__name__)

MOST = 3
"""After so many the submission fails; until then it is tried again."""

PAUSES_SECONDS = (10, 60)
"""After the first and the second: a broken host must not use up all tries at once."""


def next_state(submission: Submission, count: int) -> State:
    """Where a submission goes after its `count`-th platform fault."""
    if submission.cancel_requested:
        return State.CANCELLED
    if count < MOST:
        return State.QUEUED
    # A re-run that we could not complete leaves the score it had.
    return State.FINISHED if submission.score_id else State.FAILED


def pause_seconds(code: Code, count: int) -> float:
    """How long it waits before the next try. A lost worker says nothing about the others: no pause."""
    return 0 if code is Code.WORKER_LOST else PAUSES_SECONDS[count - 1]


def gives_back_quota(submission: Submission, after: State, count: int) -> bool:
    """True if the platform failed at every attempt and there will be no other."""
    return after in (State.FAILED, State.CANCELLED) and submission.attempt_count <= count


def words(attempt: Attempt, code: Code, after: State) -> Verdict:
    """The verdict the team reads. What exactly failed is not in it: it may name paths and hosts of ours."""
    fault = verdict(Observation(limits=attempt.limits, platform_fault=code))
    if after is State.QUEUED:
        return fault
    advice = "This is our fault, not yours, and does not count against your quota. The operators know of it."
    return dataclasses.replace(fault, advice=advice)


def alert(attempt: Attempt, after: State, code: Code, detail: str) -> None:
    """Tells the operators: a warning for a fault that is tried again, an error for one that is not."""
    facts = {
        "submission": str(attempt.submission_id),
        "attempt": attempt.pk,
        "verdict": code.value,
        "detail": detail,
    }
    if after is State.QUEUED:
        log.warning("platform fault, queued again", **facts)
    else:
        log.error("platform fault, given up", state=after.value, **facts)
