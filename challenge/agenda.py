"""Which challenges are running, coming and past, and which phase of one matters now. Reads only."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Count, Exists, IntegerField, OuterRef, Prefetch, QuerySet, Subquery, TextChoices
from django.db.models.functions import Coalesce
from django.utils import timezone

from challenge.models import Challenge, Membership, Phase, Stage, Team


class When(TextChoices):
    """Where a challenge stands in time; what is not public yet stands nowhere."""

    DRAFT = "draft", "Not public yet"
    RUNNING = "running", "Running"
    COMING = "coming", "Coming"
    PAST = "past", "Past"


@dataclasses.dataclass(frozen=True, slots=True)
class Listed:
    """A challenge as lists show it: with the phase that matters now."""

    challenge: Challenge
    team_count: int
    when: When
    main_phase: Phase | None


def these(challenges: QuerySet[Challenge], when: When) -> QuerySet[Challenge]:
    """Those of `challenges` that are running, coming, past or not public yet: the most urgent or newest first.

    A challenge is running while a phase is open, and coming while one will open or none is set up yet.
    """
    now = timezone.now()
    phases = Phase.objects.filter(challenge=OuterRef("pk"))
    opened = phases.filter(opens__lte=now, closes__gt=now)
    ahead = phases.filter(opens__gt=now)
    if when is When.DRAFT:
        return challenges.exclude(stage=Stage.LIVE).order_by("-created", "pk")
    live = challenges.filter(stage=Stage.LIVE)
    if when is When.RUNNING:
        return live.filter(Exists(opened)).order_by(Subquery(opened.order_by("closes").values("closes")[:1]), "pk")
    live = live.filter(~Exists(opened))
    if when is When.COMING:
        next_opening = Subquery(ahead.order_by("opens").values("opens")[:1])
        return live.filter(Exists(ahead) | ~Exists(phases)).order_by(next_opening.asc(nulls_last=True), "pk")
    last_closing = Subquery(phases.order_by("-closes").values("closes")[:1])
    return live.filter(~Exists(ahead), Exists(phases)).order_by(last_closing.desc(), "pk")


def with_details(challenges: QuerySet[Challenge]) -> QuerySet[Challenge]:
    """The same with all that `listed` reads, in two queries."""
    teams = Team.objects.filter(challenge=OuterRef("pk"), is_baseline=False).order_by()
    counted = teams.values("challenge").annotate(number=Count("pk")).values("number")
    return challenges.annotate(team_count=Coalesce(Subquery(counted, IntegerField()), 0)).prefetch_related(
        Prefetch("phases", Phase.objects.order_by("position", "id"))
    )


def listed(challenges: Iterable[Challenge], when: When) -> list[Listed]:
    """Lines of a list; the challenges come from `with_details`."""
    return [
        Listed(one, one.team_count, when, main_phase(list(one.phases.all())))  # type: ignore[attr-defined]
        for one in challenges
    ]


def my_teams(user: User | AnonymousUser) -> dict[int, str]:
    """Names of the user's teams, by challenge."""
    if not user.is_authenticated:
        return {}
    return dict(Membership.objects.filter(user=user).values_list("challenge_id", "team__name"))


def main_phase(phases: list[Phase]) -> Phase | None:
    """The phase a visitor most likely means: the open one that closes first, else the next, else the last."""
    now = timezone.now()
    if running := [phase for phase in phases if phase.is_open]:
        return min(running, key=lambda phase: phase.closes)
    if coming := [phase for phase in phases if phase.opens > now]:
        return min(coming, key=lambda phase: phase.opens)
    return max(phases, key=lambda phase: phase.closes, default=None)
