"""Columns of a board, by the names that a phase keeps and addresses use."""

from __future__ import annotations

import dataclasses

from challenge.models import Phase


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """A column that an organizer may leave out. `sort` is a name in leaderboard.SORTS."""

    name: str
    heading: str
    below: str
    sort: str
    better: str


COLUMNS: dict[str, Column] = {
    column.name: column
    for column in (
        Column("latency", "Latency", "median", "latency", "fastest first"),
        Column("cpu", "CPU", "time", "cpu", "least first"),
        Column("memory", "Memory", "peak", "memory", "least first"),
        Column("size", "Size", "unpacked", "size", "smallest first"),
        Column("parameters", "Parameters", "declared", "parameters", "fewest first"),
        Column("achieved", "Sent", "", "achieved", "newest first"),
    )
}
"""Beside place, team and mIoU, which every board has."""


def shown(phase: Phase) -> list[Column]:
    """The columns of a phase's board, in our order. An empty list of names means all; names we don't know are none."""
    names = set(phase.columns) or set(COLUMNS)
    return [column for column in COLUMNS.values() if column.name in names]
