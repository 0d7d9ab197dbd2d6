"""What follows from a fault of the platform: rules and words, used by submissions.platform_fault alone."""

from __future__ import annotations

import dataclasses
import datetime as dt

import structlog

from challenge import alerts
from challenge.models import Attempt, AttemptState, State, Submission
from sandbox import Code, Limits, Observation, Verdict, verdict

log = structlog.get_logger(__name__)

MOST = 3
"""After so many the submission fails; until then it is tried again."""

MOST_WORKERS_LOST = 2
"""A submission that was under way when so many workers died may be what kills them: it waits for the operators."""

HELD_NOTE = (
    "The worker was lost each time it ran. It waits until an operator has looked at it, at no cost to your quota."
)

PAUSES_SECONDS = (10, 60)
"""After the first and the second: a broken host must not use up all tries at once."""

LONGEST_PAUSE = dt.timedelta(seconds=max(PAUSES_SECONDS))


def next_state(submission: Submission, count: int) -> State:
    """Where a submission goes after its `count`-th platform fault."""
    if submission.cancel_requested:
        return called_off(submission)
    if count < MOST:
        return State.QUEUED
    # A re-run that we could not complete leaves the score it had.
    return State.FINISHED if submission.score_id else State.FAILED


def called_off(submission: Submission) -> State:
    """Where a submission goes that is cancelled. A re-run leaves it as it was."""
    if submission.score_id:
        return State.FINISHED
    return State.FAILED if submission.finished_at else State.CANCELLED


def pause_seconds(code: Code, count: int) -> float:
    """How long it waits before the next try. A lost worker says nothing about the others: no pause."""
    return 0 if code is Code.WORKER_LOST else PAUSES_SECONDS[count - 1]


def is_used(submission: Submission) -> bool:
    """True once an attempt has ended by the submission's own doing. Others, ours or handed back, use no quota."""
    ended = Attempt.objects.filter(submission=submission, state=AttemptState.DONE)
    return ended.exclude(verdict__in=[code.value for code in Code if code.is_platform]).exists()


def _fault(code: Code) -> Verdict:
    """The verdict on a fault of ours. It says nothing of the attempt's limits: an upgrade may have left a snapshot that
    can't be read, and the attempt has to end all the same."""
    return verdict(Observation(limits=Limits(), platform_fault=code))


def words(code: Code, after: State, is_held: bool = False) -> Verdict:
    """The verdict the team reads. What exactly failed is not in it: it may name paths and hosts of ours."""
    fault = _fault(code)
    if is_held:
        return dataclasses.replace(fault, advice=HELD_NOTE)
    if after is State.QUEUED:
        return fault
    advice = "This is our fault, not yours, and does not count against your quota. The operators know of it."
    return dataclasses.replace(fault, advice=advice)


def handed_back() -> Verdict:
    """The verdict on an attempt whose worker was told to stop."""
    return dataclasses.replace(
        _fault(Code.WORKER_LOST),
        sentence="The worker was stopped for maintenance before the run ended.",
        advice="Nothing to do: the submission is first in the queue again, and nothing of your quota is used.",
    )


def alert(attempt: Attempt, after: State, code: Code, detail: str, is_held: bool = False) -> None:
    """Tells the operators: a warning for a fault that is tried again, mail for one that is not."""
    facts = {
        "submission": str(attempt.submission_id),
        "attempt": attempt.pk,
        "verdict": code.value,
        "detail": detail,
    }
    lines = "\n".join(f"{name}: {value}" for name, value in facts.items())
    if is_held:
        log.error("a submission is held: the worker was lost each time it ran", **facts)
        alerts.alert(
            "held submission",
            "A submission waits for you: it may be killing workers",
            f"{HELD_NOTE}\n\n{lines}\n\nLook at the workers' logs and the kernel's, then release it or fail it with a "
            "reason in the admin, under Submissions. Others are evaluated meanwhile.",
        )
    elif after is State.QUEUED:
        log.warning("platform fault, queued again", **facts)
    else:
        log.error("platform fault, given up", state=after.value, **facts)
        alerts.alert(
            f"platform fault {code.value}",
            f"A submission could not be evaluated: {code.value}",
            f"It is {after.value} after {MOST} faults of the platform.\n\n{lines}\n\n"
            "Its team reads that it is our fault. Mend the cause, then run it again from its page.",
        )
