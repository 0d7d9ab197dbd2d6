"""What everyone may see of challenges: the home page, and a challenge with its texts. Boards are in board.py."""

from __future__ import annotations

import dataclasses

from django.db.models import Count, Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from challenge import leaderboard, permissions
from challenge.models import Phase
from challenge.presentation import figures, limits_text
from challenge.views import finding
from evaluator.metrics import CLASS_NAMES


@dataclasses.dataclass(frozen=True, slots=True)
class Listed:
    """A challenge as the home page lists it: with the phase that matters now."""

    slug: str
    title: str
    summary: str
    is_public: bool
    team_count: int
    main_phase: Phase | None

    @property
    def is_running(self) -> bool:
        """A phase is open."""
        return self.main_phase is not None and self.main_phase.is_open

    @property
    def is_coming(self) -> bool:
        """Nothing is open, and something will."""
        return not self.is_running and (self.main_phase is None or self.main_phase.opens > timezone.now())


def home(request: HttpRequest) -> HttpResponse:
    """All challenges this user may see: running, coming, past; and the best submission of the first running one."""
    challenges = (
        permissions.visible_challenges(request.user)
        .annotate(team_count=Count("teams", distinct=True))
        .prefetch_related(Prefetch("phases", Phase.objects.order_by("position", "id")))
        .order_by("-created")
    )
    listed = [
        Listed(c.slug, c.title, c.summary, c.is_public, c.team_count, main_phase(list(c.phases.all())))
        for c in challenges
    ]
    running = [item for item in listed if item.is_running]
    coming = [item for item in listed if item.is_coming]
    past = [item for item in listed if not item.is_running and not item.is_coming]
    best = leaderboard.best_row(running[0].main_phase) if running and running[0].main_phase else None
    context = {
        "running": running,
        "groups": [
            ("Running", running, "Nothing is running at the moment."),
            ("Coming", coming, ""),
            ("Past", past, ""),
        ],
        "best": best,
        "best_bars": figures.class_bars(best.iou) if best else [],
    }
    return render(request, "home.html", context)


def main_phase(phases: list[Phase]) -> Phase | None:
    """The phase a visitor most likely means: the open one that closes first, else the next, else the last."""
    now = timezone.now()
    if running := [phase for phase in phases if phase.is_open]:
        return min(running, key=lambda phase: phase.closes)
    if coming := [phase for phase in phases if phase.opens > now]:
        return min(coming, key=lambda phase: phase.opens)
    return max(phases, key=lambda phase: phase.closes, default=None)


@dataclasses.dataclass(frozen=True, slots=True)
class PhaseCard:
    """A phase with its limits in words."""

    phase: Phase
    main_limits: list[limits_text.LimitLine]
    limit_groups: list[tuple[str, list[limits_text.LimitLine]]]


def challenge(request: HttpRequest, slug: str) -> HttpResponse:
    """Text, data notes, phases with dates and limits, and how to make a first submission."""
    found = finding.challenge(request, slug)
    phases = list(found.phases.select_related("dataset"))
    shown = main_phase(phases)
    context = {
        "challenge": found,
        "phase": shown,
        "cards": [
            PhaseCard(phase, limits_text.main_lines(phase.limits), limits_text.group_lines(phase.limits))
            for phase in phases
        ],
        "local_options": limits_text.local_options(shown.limits) if shown else "",
        "class_names": CLASS_NAMES,
        "may_edit": permissions.can_edit(request.user, found),
        "now": timezone.now(),
    }
    return render(request, "challenge.html", context)
