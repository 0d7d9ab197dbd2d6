"""Who is next: the order of the queue, one for the claim and for the pages.

Start-time fair queueing (Goyal, Vin and Cheng 1996): a submission draws a turn when it is queued, one after its team's
last, but never one that is past. So teams alternate however many each of them sends, nobody saves up turns, and the
order is one index: a claim costs the same however many wait.
"""

from __future__ import annotations

import datetime as dt

import structlog
from django.db.models import Max, Q, QuerySet
from django.db.models.functions import Now

from challenge.models import Attempt, State, Submission, Team
from sandbox import Limits

log = structlog.get_logger(__name__)

STEP_ASIDE_SECONDS = 300


def waiting() -> QuerySet[Submission]:
    """All that wait, in the order in which they will be claimed."""
    return Submission.objects.filter(state=State.QUEUED).order_by("turn", "queued_at", "id")


def due() -> QuerySet[Submission]:
    """Those of them that may be claimed now."""
    return waiting().filter(Q(not_before=None) | Q(not_before__lte=Now()))


def position(submission: Submission) -> int | None:
    """1 for the one that will be claimed next; None unless it is queued."""
    if submission.state != State.QUEUED or submission.queued_at is None:
        return None
    ahead = Q(turn__lt=submission.turn) | Q(turn=submission.turn) & (
        Q(queued_at__lt=submission.queued_at) | Q(queued_at=submission.queued_at, pk__lt=submission.pk)
    )
    return waiting().filter(ahead).count() + 1


def readable_limits(submission: Submission) -> Limits | None:
    """The limits a claim would run under. None if they can't be read: one bad phase must not stop the whole queue,
    so its submission steps aside for a while, and the operators are told."""
    try:
        return submission.phase.limits
    except (TypeError, ValueError) as error:
        log.error("limits can't be read", phase=submission.phase_id, submission=str(submission.pk), error=str(error))
        pause = dt.timedelta(seconds=STEP_ASIDE_SECONDS)
        Submission.objects.filter(pk=submission.pk).update(not_before=Now() + pause)
        return None


def current_turn() -> int:
    """The turn of the last claim. What is put back into the queue gets this one and is the first again."""
    newest = Attempt.objects.order_by("-pk").values_list("submission__turn", flat=True).first()
    return newest or 0


def next_turn(team: Team) -> int:
    """The turn of a submission of this team that is about to be queued."""
    mine = Submission.objects.filter(team=team).exclude(state=State.UPLOADING)
    last: int | None = mine.aggregate(last=Max("turn"))["last"]
    return current_turn() if last is None else max(current_turn(), last + 1)
