"""Pareto fronts of a board: the rows that no other beats both in mIoU and in what they cost.

The front of a whole board is kept with it (`Board.fronts`), so that a chart of a hundred thousand teams costs what one
of ten costs: results.py changes it with each row that changes, and counts it anew only where a row of the front falls.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from django.db.models import F, Max, QuerySet, Value, Window
from django.db.models.expressions import RowRange
from django.db.models.functions import Coalesce

from challenge.models import Board, BoardRow, Phase, Standing

MOST_POINTS = 300
"""Of a kept front. Of a longer one the best mIoUs stay."""


@dataclasses.dataclass(frozen=True, slots=True)
class Axis:
    """What a chart sets mIoU against. `name` is a field of BoardRow; `unit` is `seconds`, `bytes` or `count`."""

    name: str
    label: str
    unit: str


AXES: dict[str, Axis] = {
    axis.name: axis
    for axis in (
        Axis("latency", "Latency, median", "seconds"),
        Axis("memory", "Peak memory", "bytes"),
        Axis("size", "Code or image, unpacked", "bytes"),
        Axis("parameters", "Parameters", "count"),
    )
}


@dataclasses.dataclass(frozen=True, slots=True)
class Point:
    """One row on the chart: small `x` is good, large `miou` (a fraction of 1) is good."""

    row: BoardRow
    x: float
    miou: float
    on_front: bool

    @property
    def is_baseline(self) -> bool:
        """Of a team whose models come with the platform."""
        return self.row.is_baseline


@dataclasses.dataclass(frozen=True, slots=True)
class Front:
    """What a chart draws: the front of the whole board, smallest `x` first, and other rows beside it."""

    axis: Axis
    front: list[Point]
    others: list[Point]

    @property
    def points(self) -> list[Point]:
        """All of them; what is drawn last is on top."""
        return [*self.others, *self.front]


def pareto(phase: Phase, standing: Standing, axis: str, beside: Iterable[int] = ()) -> Front:
    """The front of a whole board for an axis of AXES, without regard to filters.

    Args:
        beside: ids of further board rows to draw (`Row.id` of a page's rows), on the front or not. Those whose figure
            is not known are left out.

    Raises:
        KeyError: no such axis.
    """
    along = AXES[axis]
    kept = Board.objects.filter(phase=phase, standing=standing).values_list("fronts", flat=True).first()
    found = kept.get(axis) if kept else None
    if found is None:
        found = counted(board_rows(phase, standing), axis)
    members = [int(identity) for _, _, identity in found]
    rows = BoardRow.objects.select_related("team", "submission").filter(
        pk__in={*members, *beside}, phase=phase, standing=standing
    )
    by_id = {row.pk: row for row in rows}
    front = [
        Point(row, x, row.miou, on_front=True)
        for identity in members
        if (row := by_id.pop(identity, None)) is not None and (x := figure(row, axis)) is not None
    ]
    others = [
        Point(row, x, row.miou, on_front=False)
        for row in sorted(by_id.values(), key=lambda row: (-row.miou, row.pk))
        if (x := figure(row, axis)) is not None
    ]
    return Front(along, front, others)


def board_rows(phase: Phase, standing: Standing) -> QuerySet[BoardRow]:
    """All rows of a board, in no order."""
    return BoardRow.objects.filter(phase=phase, standing=standing)


def figure(row: BoardRow, axis: str) -> float | None:
    """What a row has on an axis."""
    value: float | None = getattr(row, axis)
    return value


# The kept front: a list of [x, miou, id], smallest x first, each with a higher mIoU than those before it

Member = Sequence[float | int]


def counted(rows: QuerySet[BoardRow], axis: str) -> list[list[float | int]]:
    """The front of these rows, by one pass of the database over them."""
    so_far = Window(
        Max("miou"),
        order_by=[F(axis).asc(), F("miou").desc(), F("achieved").asc(), F("id").asc()],
        frame=RowRange(start=None, end=-1),
    )
    front = (
        rows.filter(**{f"{axis}__isnull": False})
        .annotate(so_far=Coalesce(so_far, Value(-1.0)))
        .filter(miou__gt=F("so_far"))
        .order_by(axis, "miou")
        .values_list(axis, "miou", "id")
    )
    return [list(member) for member in front][-MOST_POINTS:]


def with_row(
    front: Sequence[Member], identity: int, x: float | None, miou: float | None
) -> list[list[float | int]] | None:
    """The front after a row came, changed or went.

    Args:
        identity: id of the row.
        x, miou: its figures now; `miou` None where it is gone.

    Returns:
        None if it has to be counted anew: the row was on it, and others may come up where it stood.
    """
    before = next((member for member in front if member[2] == identity), None)
    others = [list(member) for member in front if member[2] != identity]
    if before is not None and (x is None or miou is None or x > before[0] or miou < before[1]):
        return None
    if x is None or miou is None:
        return others
    if any(member[0] <= x and member[1] >= miou for member in others):
        return others  # Of equals, the one that was there first stays.
    kept = [member for member in others if not (member[0] >= x and member[1] <= miou)]
    return sorted([*kept, [x, miou, identity]], key=lambda member: member[0])[-MOST_POINTS:]
