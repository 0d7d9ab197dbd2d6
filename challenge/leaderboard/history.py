"""What else everybody may read of a phase: the best score over time, and who is not ranked and why."""

from __future__ import annotations

import dataclasses
import datetime as dt

from django.db.models import Exists, OuterRef

from challenge.models import Phase, Record, Submission, Team

MOST_LISTED = 500
"""Steps of the history; lines among the disqualified."""


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """A score that was the best of its phase when its submission was sent. `miou` is of the public images."""

    achieved: dt.datetime
    miou: float
    team: Team
    submission: Submission


def history(phase: Phase) -> list[Step]:
    """The best score of the phase over time, first to last; of a longer history the end."""
    records = Record.objects.filter(phase=phase).select_related("team", "submission").order_by("-achieved", "-id")
    newest = [Step(record.achieved, record.miou, record.team, record.submission) for record in records[:MOST_LISTED]]
    return newest[::-1]


@dataclasses.dataclass(frozen=True, slots=True)
class Disqualified:
    """Who is not ranked, and why. `submission` is None where the whole team is out."""

    team: Team
    submission: Submission | None
    at: dt.datetime
    why: str


def disqualified(phase: Phase) -> list[Disqualified]:
    """For everybody to read: teams that took part in the phase, and submissions, newest first."""
    teams = (
        Team.objects.filter(
            challenge=phase.challenge_id,
            disqualified_at__isnull=False,
        )
        .filter(
            Exists(Submission.objects.filter(phase=phase, team=OuterRef("pk"), score__isnull=False)),
        )
        .order_by("-disqualified_at", "pk")
    )
    ones = (
        Submission.objects.filter(phase=phase, disqualified_at__isnull=False, score__isnull=False)
        .select_related("team")
        .order_by("-disqualified_at", "pk")
    )
    found = [_out(team, None, team) for team in teams[:MOST_LISTED]]
    found += [_out(one.team, one, one) for one in ones[:MOST_LISTED]]
    return sorted(found, key=lambda one: one.at, reverse=True)[:MOST_LISTED]


def _out(team: Team, submission: Submission | None, marked: Team | Submission) -> Disqualified:
    assert marked.disqualified_at is not None  # They were asked for.
    return Disqualified(team, submission, marked.disqualified_at, marked.disqualified_why)
