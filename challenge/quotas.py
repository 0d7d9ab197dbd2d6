"""How much of its quota a team has used, and the sentence that says why it can't submit now."""

from __future__ import annotations

import dataclasses

from django.utils import timezone

from challenge.models import Phase, State, Submission, Team


@dataclasses.dataclass(frozen=True, slots=True)
class Quota:
    """What a team has used of its quota in a phase, and why it can't submit now (empty: it can)."""

    day_used: int
    day_limit: int
    total_used: int
    total_limit: int
    at_once_used: int
    at_once_limit: int

    @property
    def refusal(self) -> str:
        """A sentence, or an empty string."""
        if self.at_once_used >= self.at_once_limit:
            return (
                f"Your team has {self.at_once_used} submissions waiting or running, and {self.at_once_limit} at once "
                "is the limit. Wait for one to end, or cancel one."
            )
        if self.day_used >= self.day_limit:
            return f"Your team has used its {self.day_limit} submissions of today. The next day begins at 00:00 UTC."
        if self.total_used >= self.total_limit:
            return f"Your team has used all of its {self.total_limit} submissions in this phase."
        return ""


def quota(phase: Phase, team: Team) -> Quota:
    """How much of its quota the team has used. Platform faults and what was cancelled before it began don't count."""
    mine = Submission.objects.filter(phase=phase, team=team)
    charged = mine.filter(charged=True)
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    return Quota(
        day_used=charged.filter(created__gte=midnight).count(),
        day_limit=phase.quota_per_day,
        total_used=charged.count(),
        total_limit=phase.quota_total,
        at_once_used=mine.filter(state__in=(State.UPLOADING, State.QUEUED, State.EVALUATING)).count(),
        at_once_limit=phase.quota_at_once,
    )
