"""Reads about one team: where it stands on a board, on which boards, how it got there, and what of it is public."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Count, Q

from challenge import leaderboard
from challenge.fronts import board_rows
from challenge.models import BoardRow, Phase, Standing, Submission, Team

MOST_STEPS = 500
"""Of a team's way in one challenge: the newest stay."""


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """A team's place on a board in the order of mIoU: its rank, and the page that has its line."""

    team: Team
    rank: int
    page: int


def my_row(user: User | AnonymousUser, phase: Phase, standing: Standing) -> BoardRow | None:
    """The line of the user's team, if it has one."""
    if not user.is_authenticated:
        return None
    row = board_rows(phase, standing).select_related("team").filter(team__memberships__user=user).first()
    if row is not None:
        row.phase = phase  # It is known: no query for it.
    return row


def place_of(row: BoardRow) -> Place:
    """Where a line stands on the whole board."""
    rows = board_rows(row.phase, Standing(row.standing)).filter(miou__gte=row.miou)
    earlier = Q(miou__gt=row.miou) | Q(achieved__lt=row.achieved) | Q(achieved=row.achieved, pk__lt=row.pk)
    counted = rows.aggregate(better=Count("pk", filter=Q(miou__gt=row.miou)), before=Count("pk", filter=earlier))
    return Place(row.team, counted["better"] + 1, counted["before"] // leaderboard.PAGE_SIZE + 1)


def rows_of(team: Team, allowed: Mapping[int, Collection[Standing]]) -> dict[int, list[BoardRow]]:
    """A team's lines on the boards that may be seen, by phase. `allowed`: standings by phase."""
    wanted = Q(pk__in=[])
    for phase, standings in allowed.items():
        wanted |= Q(phase=phase, standing__in=standings)
    found: dict[int, list[BoardRow]] = defaultdict(list)
    for row in BoardRow.objects.select_related("submission", "score").filter(wanted, team=team):
        found[row.phase_id].append(row)
    return found


@dataclasses.dataclass(frozen=True, slots=True)
class Sent:
    """A submission that was the best of its team when it was sent; `miou` is of the public images."""

    achieved: dt.datetime
    miou: float
    submission: uuid.UUID
    title: str


def way_of(team: Team, phases: Iterable[Phase]) -> dict[int, list[Sent]]:
    """How a team's best score rose, by phase, first to last. What is not public is not in it: while a board is
    frozen that is what was sent since, and always what is disqualified."""
    if team.disqualified_at is not None:
        return {}
    frozen = {phase.pk: phase.freezes for phase in phases if phase.is_frozen}
    names = ("phase_id", "created", "score__miou", "pk", "title")
    ranked = Submission.objects.filter(
        team=team, phase__in=[phase.pk for phase in phases], score__isnull=False, disqualified_at__isnull=True
    ).order_by("-created", "-pk")
    found: dict[int, list[Sent]] = defaultdict(list)
    for phase, created, miou, identity, title in reversed(list(ranked.values_list(*names)[:MOST_STEPS])):
        since = frozen.get(phase)
        if since is not None and created >= since:
            continue
        if not found[phase] or miou > found[phase][-1].miou:
            found[phase].append(Sent(created, miou, identity, title))
    return found


def with_report(submissions: Collection[uuid.UUID], allowed: Collection[Standing]) -> set[uuid.UUID]:
    """Those of these submissions that are on a board that may be seen, and so have a report that may be."""
    rows = BoardRow.objects.filter(submission__in=submissions, standing__in=allowed)
    return set(rows.values_list("submission_id", flat=True))
