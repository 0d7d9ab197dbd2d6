"""What an organizer should look at now, most urgent first."""

from __future__ import annotations

import dataclasses
import datetime as dt

from django.db.models import Count, OuterRef, Q, Subquery
from django.utils import timezone

from challenge import lineup, ranking
from challenge.models import Attempt, Challenge, Phase, State, Submission
from sandbox import Code

SOON = dt.timedelta(days=7)


@dataclasses.dataclass(frozen=True, slots=True)
class Need:
    """One thing. `phase` is where it is mended; `is_urgent` where teams wait for it."""

    sentence: str
    phase: Phase | None = None
    is_urgent: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Figures:
    """Counts of a challenge's submissions at this moment."""

    today: int
    waiting: int
    running: int
    held: int
    lost: int


def figures(challenge: Challenge) -> Figures:
    """All of them, in one look."""
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    codes = [code.value for code in Code if code.is_platform]
    last = Attempt.objects.filter(submission=OuterRef("pk")).order_by("-number").values("verdict")[:1]
    found = Submission.objects.filter(phase__challenge=challenge).aggregate(
        today=Count("pk", filter=Q(created__gte=midnight)),
        waiting=Count("pk", filter=Q(state=State.QUEUED)),
        running=Count("pk", filter=Q(state=State.EVALUATING)),
        held=Count("pk", filter=Q(held_at__isnull=False)),
    )
    failed = Submission.objects.filter(phase__challenge=challenge, state=State.FAILED, score=None)
    lost = failed.annotate(last=Subquery(last)).filter(last__in=codes).count()
    return Figures(**found, lost=lost)


def needs(challenge: Challenge, phases: list[Phase], seen: Figures) -> list[Need]:
    """All that an organizer should look at."""
    stuck = {phase.pk: reason for phase, reason in lineup.stuck_phases()} if seen.waiting else {}
    found = [
        Need(f"Submissions to {phase.title} wait: there is {stuck[phase.pk]}.", phase, True)
        for phase in phases
        if phase.pk in stuck
    ]
    if seen.held:
        found.append(Need(f"{seen.held} held for the operators: workers died while running them.", None, True))
    if seen.lost:
        found.append(
            Need(f"{seen.lost} failed by a fault of the platform. Run them again once it is mended.", None, True)
        )
    now = timezone.now()
    for phase in phases:
        if phase.opens > now and phase.opens - now < SOON:
            found.append(Need(f"{phase.title} opens within {_days(phase.opens - now)}.", phase))
        if phase.opens <= now < phase.closes and phase.closes - now < SOON:
            found.append(Need(f"{phase.title} closes within {_days(phase.closes - now)}.", phase))
        if not ranking.why_not_reveal(phase):
            found.append(
                Need(f"{phase.title} has closed, and all is scored: its final standing can be revealed.", phase)
            )
    return found


def _days(span: dt.timedelta) -> str:
    count = span.days + 1
    return f"{count} day{'s' if count > 1 else ''}"
