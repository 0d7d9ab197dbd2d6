"""The records of a phase: scores that were the best of all when their submissions were sent. By the public score.

Callers hold the phase's boards (rows.py), so that two of them do not write at once.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.db.models import F, Max, Value, Window
from django.db.models.expressions import RowRange
from django.db.models.functions import Coalesce

from challenge.models import Phase, Record
from challenge.ranking.entries import Entry, entries, frozen_since, ranked, staircase


def note(phase: Phase, teams: Collection[int], of_teams: Sequence[Entry]) -> None:
    """Puts the records right after something of these teams has changed.

    Args:
        of_teams: all that they have to be ranked now, as far as it is public.
    """
    there = _there(phase)
    now = {entry.id: entry.public for entry in of_teams}
    broken = [entry for entry in there if entry.team in teams and now.get(entry.id) != entry.public]
    if broken:  # Others may have been the best instead: from there on the database has to look.
        sound = there[: there.index(broken[0])]
        there = [*sound, *_steps_after(phase, sound[-1] if sound else None)]
    steps = staircase({entry.id: entry for entry in [*there, *of_teams]}.values())
    _write(phase, steps)


def rebuild(phase: Phase) -> None:
    """Finds them anew."""
    _write(phase, _steps_after(phase, None))


def _there(phase: Phase) -> list[Entry]:
    """The records as entries, first to last."""
    rows = Record.objects.filter(phase=phase).order_by("achieved", "submission_id")
    return [
        Entry(row.submission_id, row.team_id, row.achieved, is_chosen=False, public=row.miou, private=None)
        for row in rows
    ]


def _steps_after(phase: Phase, last: Entry | None) -> list[Entry]:
    """The steps of all that is public and came after this one: one pass of the database over what is better."""
    public = ranked(phase)
    if (since := frozen_since(phase)) is not None:
        public = public.filter(created__lt=since)
    if last is not None:
        public = public.filter(created__gte=last.created, score__miou__gt=last.public)
    so_far = Window(
        Max("score__miou"),
        order_by=[F("created").asc(), F("id").asc()],
        frame=RowRange(start=None, end=-1),
    )
    steps = public.annotate(so_far=Coalesce(so_far, Value(-1.0))).filter(score__miou__gt=F("so_far"))
    return list(entries(steps.order_by("created", "id")))


def _write(phase: Phase, steps: Sequence[Entry]) -> None:
    wanted = {(entry.id, entry.team, entry.public, entry.created): entry for entry in steps}
    for row in Record.objects.filter(phase=phase):
        if wanted.pop((row.submission_id, row.team_id, row.miou, row.achieved), None) is None:
            row.delete()
    Record.objects.bulk_create(
        Record(phase=phase, team_id=e.team, submission_id=e.id, miou=e.public, achieved=e.created)
        for e in wanted.values()
    )
