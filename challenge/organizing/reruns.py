"""Many submissions that run again: noted at once, queued a few at a time by the reaper, behind what is new.

A re-run of thousands would otherwise stand in the way of every fresh submission, and of the request that asks for it.
"""

from __future__ import annotations

import structlog
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from challenge import audit, submissions
from challenge.models import Phase, Rerun, RerunItem, State, Submission
from challenge.organizing.acts import Refused

MOST = 20_000
"""Submissions of one re-run."""

AT_ONCE = 20
"""So many of one re-run wait or run at the same time."""

log = structlog.get_logger(__name__)


def newest(phase: Phase) -> Rerun | None:
    """The re-run under way, or the last one."""
    return Rerun.objects.filter(phase=phase).order_by("-pk").first()


def begin(phase: Phase, by: User, why: str, chosen: QuerySet[Submission] | None = None) -> int:
    """Notes a re-run of all finished and failed submissions of a phase, or of those chosen; returns how many.

    Raises:
        Refused: no reason, nothing to run, too many, or another one is under way.
    """
    why = " ".join(why.split())[:300]
    if not why:
        raise Refused("Say why they run again: the audit trail keeps it.")
    with transaction.atomic():
        Phase.objects.select_for_update().get(pk=phase.pk)
        if Rerun.objects.filter(phase=phase, fed_at=None, called_off_at=None).exists():
            raise Refused("A re-run of this phase is under way. Wait for it, or call it off.")
        ended = Submission.objects.filter(phase=phase, state__in=(State.FINISHED, State.FAILED))
        ids = list((ended if chosen is None else ended.filter(pk__in=chosen.values("pk"))).values_list("pk", flat=True))
        if not ids:
            raise Refused("There is nothing to run again: only finished and failed submissions can be.")
        if len(ids) > MOST:
            raise Refused(f"{len(ids):,} submissions are more than run again at once ({MOST:,}). Choose some of them.")
        which = "all submissions" if chosen is None else f"{len(ids)} submissions"
        rerun = Rerun.objects.create(phase=phase, by=by, why=why, which=which)
        RerunItem.objects.bulk_create([RerunItem(rerun=rerun, submission_id=pk) for pk in ids], batch_size=1000)
        audit.note(
            phase.challenge, by, "rerun", f"Began to run {which} of {phase.title} again", why=why, count=len(ids)
        )
    feed()
    return len(ids)


def one(submission: Submission, by: User) -> None:
    """A single submission, at once. Raises submissions.Refused if it has not ended."""
    with transaction.atomic():
        submissions.rerun(submission, by)
        what = f"Had “{submission.title}” of {submission.team} run again"
        audit.note(submission.phase.challenge, by, "rerun", what, submission=str(submission.pk))


def call_off(phase: Phase, by: User) -> None:
    """What is not queued yet stays as it is. Raises Refused if no re-run is under way."""
    with transaction.atomic():
        live = Rerun.objects.filter(phase=phase, fed_at=None, called_off_at=None)
        if not live.update(called_off_at=timezone.now()):
            raise Refused("No re-run of this phase is under way.")
        audit.note(phase.challenge, by, "rerun", f"Called off the re-run of {phase.title}")


def feed() -> None:
    """Queues the next few of each re-run under way. Any number of reapers may do it at once."""
    for rerun in Rerun.objects.filter(fed_at=None, called_off_at=None).select_related("phase", "by"):
        _feed(rerun)


def _feed(rerun: Rerun) -> None:
    with transaction.atomic():
        locked = Rerun.objects.select_for_update().filter(pk=rerun.pk, fed_at=None, called_off_at=None).first()
        if locked is None or rerun.by is None:
            return
        busy = Submission.objects.filter(
            rerun_items__rerun=locked,
            rerun_items__queued_at__isnull=False,
            state__in=(State.QUEUED, State.EVALUATING),
        ).count()
        items = locked.items.filter(queued_at=None).select_related("submission")[: max(0, AT_ONCE - busy)]
        for item in items:
            item.queued_at, item.attempts_before = timezone.now(), item.submission.attempt_count
            try:
                submissions.rerun(item.submission, rerun.by)
            except submissions.Refused:
                item.skipped = True  # It waits or runs already, or was cancelled.
            item.save()
        if not locked.items.filter(queued_at=None).exists():
            locked.fed_at = timezone.now()
            locked.save(update_fields=["fed_at"])
            log.info("a re-run is queued to its end", rerun=locked.pk)


def progress(rerun: Rerun) -> tuple[int, int]:
    """How many are done, of how many."""
    done = rerun.items.filter(queued_at__isnull=False).exclude(submission__state__in=(State.QUEUED, State.EVALUATING))
    return done.count(), rerun.items.count()
