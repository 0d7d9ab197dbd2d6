"""How much of its quota a team has used, and the sentence that says why it can't submit now.

A team's use is what was sent for it, and what the people in it have sent in this phase for any other team: who changes
teams takes along what she has used.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

from django.db.models import Count, Q
from django.utils import timezone

from challenge.models import Membership, Phase, State, Submission, Team


@dataclasses.dataclass(frozen=True, slots=True)
class Quota:
    """What a team has used of its quota in a phase, and why it can't submit now (empty: it can).

    Attributes:
        elsewhere: of `total_used`, what people in the team have sent for other teams.
    """

    day_used: int
    day_limit: int
    total_used: int
    total_limit: int
    at_once_used: int
    at_once_limit: int
    elsewhere: int = 0

    @property
    def refusal(self) -> str:
        """A sentence, or an empty string."""
        if self.at_once_used >= self.at_once_limit:
            return (
                f"Your team has {self.at_once_used} submissions waiting or running, and {self.at_once_limit} at once "
                "is the limit. Wait for one to end, or cancel one."
            )
        also = " What you and your team-mates sent for other teams counts too." if self.elsewhere else ""
        if self.day_used >= self.day_limit:
            return (
                f"Your team has used its {self.day_limit} submissions of today. The next day begins at 00:00 UTC.{also}"
            )
        if self.total_used >= self.total_limit:
            return f"Your team has used all of its {self.total_limit} submissions in this phase.{also}"
        return ""


def quota(phase: Phase, team: Team) -> Quota:
    """How much of its quota the team has used. Platform faults and what was cancelled before it began don't count."""
    return quotas([phase], team)[phase.pk]


def quotas(phases: Sequence[Phase], team: Team) -> dict[int, Quota]:
    """The same for several phases at once, by their ids."""
    return _quotas(phases, [team])


def excess(phases: Sequence[Phase], teams: Collection[Team], newcomers: Collection[int] = ()) -> str:
    """Why these teams, with these people (ids) beside them, can't be one: together they have used more than one may.

    Empty if they can.
    """
    used = _quotas(phases, teams, newcomers)
    for phase in phases:
        both = used[phase.pk]
        if both.total_used > both.total_limit:
            return (
                f"Together you have sent {both.total_used} submissions to {phase.title}, "
                f"and one team may send {both.total_limit} in all."
            )
        if both.day_used > both.day_limit:
            return (
                f"Together you have sent {both.day_used} submissions to {phase.title} today, and one team may send "
                f"{both.day_limit} a day. Try again after 00:00 UTC."
            )
    return ""


def _quotas(phases: Sequence[Phase], teams: Collection[Team], newcomers: Collection[int] = ()) -> dict[int, Quota]:
    """What these teams, the people in them and newcomers have used, all together."""
    ids = [team.pk for team in teams]
    people = Membership.objects.filter(team__in=ids).values("user")
    # A baseline is nobody's: what its organizer sends for it does not count as hers.
    by_them = (Q(creator__in=people) | Q(creator__in=newcomers)) & Q(team__is_baseline=False)
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    charged = Q(charged=True)
    counted = (
        Submission.objects.filter(Q(team__in=ids) | by_them, phase__in=[phase.pk for phase in phases])
        .order_by()
        .values("phase")
        .annotate(
            day=Count("pk", filter=charged & Q(created__gte=midnight)),
            total=Count("pk", filter=charged),
            at_once=Count("pk", filter=Q(state__in=(State.UPLOADING, State.QUEUED, State.EVALUATING))),
            elsewhere=Count("pk", filter=charged & ~Q(team__in=ids)),
        )
    )
    used = {row["phase"]: row for row in counted}
    return {
        phase.pk: Quota(
            day_used=used[phase.pk]["day"] if phase.pk in used else 0,
            day_limit=phase.quota_per_day,
            total_used=used[phase.pk]["total"] if phase.pk in used else 0,
            total_limit=phase.quota_total,
            at_once_used=used[phase.pk]["at_once"] if phase.pk in used else 0,
            at_once_limit=phase.quota_at_once,
            elsewhere=used[phase.pk]["elsewhere"] if phase.pk in used else 0,
        )
        for phase in phases
    }
