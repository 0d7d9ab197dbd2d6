"""The one place that writes board rows, what boards come to, and (through records.py) the records of a phase.

Called in the transactions that change what is ranked. Locks are taken in this order: submissions, teams, boards.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import BigIntegerField, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, NullIf

from challenge import fronts, kept
from challenge.limits_key import key_of_snapshot
from challenge.models import Board, BoardRow, Kind, Phase, Standing, Submission, Team
from challenge.ranking import records
from challenge.ranking.entries import Entry, choose, entries, frozen_since, ranked
from evaluator.metrics import CLASS_NAMES

BATCH = 500
"""Teams whose rows are worked out at once."""

Place = tuple[int, Standing]
"""A team's id and which of its rows."""


def refresh(phase: Phase, team: Team) -> None:
    """Puts one team's rows right after one of its submissions was scored, chosen, disqualified or described anew.

    To be called in the transaction of what has happened.
    """
    _refresh(phase, [team.pk])


def rebuild(phase: Phase, since: dt.datetime | None = None) -> int:
    """Puts right the rows of all teams, what the boards come to, and the records: after another freeze, a repair …

    In batches, each a transaction of its own unless there is one around.

    Args:
        since: only the teams that have sent something from then on; others have not changed.

    Returns:
        How many teams were looked at.
    """
    scored = Submission.objects.filter(phase=phase, score__isnull=False)
    if since is None:
        teams = set(scored.values_list("team_id", flat=True).distinct())
        teams |= set(BoardRow.objects.filter(phase=phase).values_list("team_id", flat=True).distinct())
    else:
        teams = set(scored.filter(created__gte=since).values_list("team_id", flat=True).distinct())
    in_order = sorted(teams)
    for start in range(0, len(in_order), BATCH):
        with transaction.atomic():
            _refresh(phase, in_order[start : start + BATCH], is_batch=True)
    with transaction.atomic():
        for board in _locked(phase).values():
            _count(board)
        records.rebuild(phase)
    return len(in_order)


def _refresh(phase: Phase, team_ids: Sequence[int], *, is_batch: bool = False) -> None:
    # Two submissions of a team may end at once. In the order of ids, since two batches may have teams in common.
    list(Team.objects.select_for_update(no_key=True).filter(pk__in=team_ids).order_by("pk"))
    of_teams: dict[int, list[Entry]] = defaultdict(list)
    for entry in entries(ranked(phase).filter(team__in=team_ids)):
        of_teams[entry.team].append(entry)
    since = frozen_since(phase)
    wanted = {
        (team, standing): entry
        for team, its in of_teams.items()
        for standing, entry in choose(its, since, phase.has_split).items()
    }
    there = {
        (row.team_id, Standing(row.standing)): row for row in BoardRow.objects.filter(phase=phase, team__in=team_ids)
    }
    after = _write_rows(phase, there, wanted)
    _note_rows(_locked(phase), there, after, is_batch)
    transaction.on_commit(partial(kept.tidy, phase, list(team_ids)), robust=True)
    if not is_batch:
        public = [entry for its in of_teams.values() for entry in its if since is None or entry.created < since]
        records.note(phase, team_ids, public)


# Rows

_FIGURES = (
    "submission_id", "score_id", "miou", "achieved", "latency", "memory", "cpu_seconds", "size", "parameters",
    "limits_key", "is_baseline", *(f"iou_{number}" for number in range(len(CLASS_NAMES))),
)  # fmt: skip
"""What a row copies from elsewhere."""


def _write_rows(phase: Phase, there: Mapping[Place, BoardRow], wanted: Mapping[Place, Entry]) -> dict[Place, BoardRow]:
    """Makes the rows those that are wanted, and returns them; those that stay as they were are the same objects."""
    after: dict[Place, BoardRow] = {}
    changed: list[BoardRow] = []
    figures = _figures({entry.id for entry in wanted.values()}, phase.has_split)
    for place, entry in wanted.items():
        team, standing = place
        is_private = phase.has_split and standing == Standing.FINAL
        row = BoardRow(phase=phase, team_id=team, standing=standing, **figures[entry.id, is_private])
        before = there.get(place)
        if before is not None and all(getattr(before, name) == getattr(row, name) for name in _FIGURES):
            row = before
        else:
            changed.append(row)
        after[place] = row
    BoardRow.objects.bulk_create(
        changed,
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["phase", "team", "standing"],
        update_fields=[name.removesuffix("_id") for name in _FIGURES],
    )
    BoardRow.objects.filter(pk__in=[row.pk for place, row in there.items() if place not in wanted]).delete()
    return after


def _figures(submissions: Collection[uuid.UUID], has_split: bool) -> dict[tuple[uuid.UUID, bool], dict[str, Any]]:
    """_FIGURES by submission, and by whether they are those of the private images."""
    found = {}
    # Only this one of the measurements, which may be long; SQLite has JSON's null as the word.
    measured = NullIf(KeyTextTransform("image_bytes", "score__attempt__measurements"), Value("null"))
    rows = Submission.objects.filter(pk__in=submissions).annotate(image_bytes=Cast(measured, BigIntegerField()))
    for row in rows.values(
        "pk", "created", "kind", "parameters", "score_id", "score__miou", "score__iou", "score__latency_median_seconds",
        "score__memory_peak_bytes", "score__cpu_seconds", "score__attempt__limits_data", "team__is_baseline",
        "image_bytes", *(("score__private_miou", "score__private") if has_split else ()),
    ):  # fmt: skip
        is_run = row["kind"] != Kind.PREDICTIONS  # Nothing ran: no limit was met or missed.
        common = {
            "submission_id": row["pk"],
            "score_id": row["score_id"],
            "achieved": row["created"],
            "latency": row["score__latency_median_seconds"],
            "memory": row["score__memory_peak_bytes"],
            "cpu_seconds": row["score__cpu_seconds"],
            "size": row["image_bytes"],
            "parameters": row["parameters"],
            "limits_key": key_of_snapshot(row["score__attempt__limits_data"]) if is_run else "",
            "is_baseline": row["team__is_baseline"],
        }
        found[row["pk"], False] = common | {"miou": row["score__miou"]} | _by_class(row["score__iou"])
        if has_split and row["score__private_miou"] is not None:
            ious = (row["score__private"] or {}).get("iou", {})
            found[row["pk"], True] = common | {"miou": row["score__private_miou"]} | _by_class(ious)
    return found


def _by_class(ious: Mapping[str, float | None]) -> dict[str, float]:
    return {f"iou_{number}": ious.get(name) or 0.0 for number, name in enumerate(CLASS_NAMES)}


# What boards come to


def _locked(phase: Phase) -> dict[Standing, Board]:
    """The phase's three boards. Who changes one of them or the records waits here for who is at it."""
    boards = Board.objects.select_for_update(no_key=True).filter(phase=phase).order_by("pk")
    found = list(boards)
    if len(found) < len(Standing):
        missing = set(Standing) - {Standing(board.standing) for board in found}
        Board.objects.bulk_create(
            [Board(phase=phase, standing=standing) for standing in sorted(missing)], ignore_conflicts=True
        )
        found = list(boards.all())
    return {Standing(board.standing): board for board in found}


def _note_rows(
    boards: Mapping[Standing, Board],
    there: Mapping[Place, BoardRow],
    after: Mapping[Place, BoardRow],
    is_batch: bool,
) -> None:
    """Adds up what has changed. After a batch the fronts are not known: who reads them meanwhile has them counted."""
    for standing, board in boards.items():
        changed = [
            (there.get(place), after.get(place))
            for place in {*there, *after}
            if place[1] == standing and there.get(place) is not after.get(place)
        ]
        if not changed:
            continue
        board.total += sum(old is None for old, _ in changed) - sum(new is None for _, new in changed)
        board.fronts = {} if is_batch else {axis: _front(board, axis, changed) for axis in fronts.AXES}
        board.save(update_fields=["total", "fronts"])


def _front(board: Board, axis: str, changed: Sequence[tuple[BoardRow | None, BoardRow | None]]) -> list[Any]:
    """The front after these rows have changed; counted anew where that is not told by them."""
    front = board.fronts.get(axis)
    for old, new in changed:
        row = new or old
        if front is None or row is None:
            break
        front = fronts.with_row(front, row.pk, fronts.figure(row, axis), row.miou if new else None)
    return fronts.counted(_rows(board), axis) if front is None else front


def _count(board: Board) -> None:
    board.total = _rows(board).count()
    board.fronts = {axis: fronts.counted(_rows(board), axis) for axis in fronts.AXES}
    board.save(update_fields=["total", "fronts"])


def _rows(board: Board) -> Any:
    return fronts.board_rows(board.phase, Standing(board.standing))
