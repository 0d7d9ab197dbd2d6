"""A page of a board, and single lines of it: ranks, orders, filters.

Reading a page costs the same for ten teams and for a hundred thousand, except that a far page counts the rows before it
in the index, and that some filters count what they let through.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from collections.abc import Iterator
from typing import Any, Literal

from django.db.models import F, Q, QuerySet

from challenge import ties
from challenge.fronts import board_rows
from challenge.limits_key import limits_key
from challenge.models import Board, BoardRow, Phase, Score, Standing, Submission, Team
from evaluator.metrics import CLASS_NAMES

PAGE_SIZE = 50
MOST_ROWS = 200
"""Of a page."""


@dataclasses.dataclass(frozen=True, slots=True)
class Sort:
    """An order of the board: `name` as in an address, `order` the columns, `-` for descending."""

    name: str
    label: str
    order: tuple[str, ...]

    def apply(self, rows: QuerySet[BoardRow]) -> QuerySet[BoardRow]:
        """The rows in this order. What is not known comes last, which SQLite would put first."""
        return rows.order_by(
            *(F(name).asc(nulls_last=True) if name in _MAY_BE_UNKNOWN else name for name in self.order)
        )


_MAY_BE_UNKNOWN = ("latency", "memory", "cpu_seconds", "size", "parameters")


SORTS: dict[str, Sort] = {
    sort.name: sort
    for sort in (
        Sort("miou", "mIoU", ("-miou", "achieved", "id")),
        Sort("latency", "Latency", ("latency", "id")),
        Sort("memory", "Memory", ("memory", "id")),
        Sort("cpu", "CPU time", ("cpu_seconds", "id")),
        Sort("size", "Size", ("size", "id")),
        Sort("parameters", "Parameters", ("parameters", "id")),
        Sort("achieved", "Date, newest first", ("-achieved", "-id")),
        *(Sort(name, f"IoU of {name}", (f"-iou_{number}", "id")) for number, name in enumerate(CLASS_NAMES)),
    )
}
"""By name: what a board can be sorted by, each in the direction that puts the best first."""


@dataclasses.dataclass(frozen=True, slots=True)
class Filters:
    """Which rows are shown; the places are then counted among them.

    Attributes:
        baselines: with the others, not at all, or nothing else.
        limits: whichever they ran under, the phase's limits of today, or others.
        since: only submissions sent at this moment or later.
    """

    baselines: Literal["yes", "no", "only"] = "yes"
    limits: Literal["any", "current", "older"] = "any"
    since: dt.datetime | None = None


EVERYTHING = Filters()


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One line of the board. Figures are None where they are not known.

    Attributes:
        id: of the board row, for `pareto(beside=…)`.
        rank: its place in the chosen order among the rows that are shown, from 1. In the order of mIoU equal mIoU has
            equal rank, and the ranks after it are left out (1, 2, 2, 4).
        score: the whole record. Its mIoU and IoUs are of the public images; take those of the row.
        miou, miou_low, miou_high, iou: fractions of 1, over the images that this standing is ranked by: mIoU, its 95 %
            interval, and IoU by class name.
        latency, memory, cpu_seconds, size, parameters: seconds (median), bytes (peak), seconds, bytes (unpacked).
        achieved: when the submission was sent.
        is_baseline: of a team whose models come with the platform, to be beaten.
        is_tied_with_above: the data can't tell it from the row above: only in the order of mIoU (see ties.py).
        ran_under_other_limits: they have been changed since.
    """

    id: int
    rank: int
    standing: Standing
    team: Team
    submission: Submission
    score: Score
    miou: float
    miou_low: float | None
    miou_high: float | None
    iou: dict[str, float | None]
    latency: float | None
    memory: int | None
    cpu_seconds: float | None
    size: int | None
    parameters: int | None
    achieved: dt.datetime
    is_baseline: bool
    is_tied_with_above: bool
    ran_under_other_limits: bool

    @property
    def class_ious(self) -> list[float | None]:
        """IoU of each class, in the order of the label values."""
        return [self.iou.get(name) for name in CLASS_NAMES]


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """One page of the board; `number` counts from 1, `total` is of the rows that the filters let through."""

    rows: list[Row]
    number: int
    size: int
    total: int
    standing: Standing
    sort: Sort
    filters: Filters

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, math.ceil(self.total / self.size))

    @property
    def previous_number(self) -> int | None:
        """The page before, if there is one."""
        return self.number - 1 if self.number > 1 else None

    @property
    def next_number(self) -> int | None:
        """The page after, if there is one."""
        return self.number + 1 if self.number < self.pages else None

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)


def page(
    phase: Phase,
    standing: Standing = Standing.BEST,
    *,
    sort: str = "miou",
    filters: Filters = EVERYTHING,
    number: int = 1,
    size: int = PAGE_SIZE,
) -> Page:
    """A page of the board.

    Args:
        sort: a name in SORTS; any other is `miou`: best first, and of equal ones the earlier submission first.
        number: outside the board it gives the first or the last page.
        size: rows of a page, at most MOST_ROWS.
    """
    order = SORTS.get(sort, SORTS["miou"])
    rows = filtered(phase, standing, filters)
    total = _total(phase, standing, filters)
    size = min(max(1, size), MOST_ROWS)
    number = min(max(1, number), max(1, math.ceil(total / size)))
    start = (number - 1) * size
    # Ids first, from the index alone: a far page would else fetch the team and the score of each row before it.
    ids = list(order.apply(rows).values_list("pk", flat=True)[max(0, start - 1) : start + size])
    found = {row.pk: row for row in whole(phase, standing).filter(pk__in=ids)}
    above = found.get(ids.pop(0)) if start and ids else None
    there = [found[identity] for identity in ids if identity in found]
    by_miou = order.name == "miou"
    tied = ties.with_above(phase, standing, [*([above] if above else []), *there]) if by_miou else set()
    ranks = _ranks(rows, there, start) if by_miou else range(start + 1, start + 1 + len(there))
    limits = limits_key(phase.limits)
    return Page(
        rows=[line(phase, row, rank, row.pk in tied, limits=limits) for row, rank in zip(there, ranks, strict=True)],
        number=number,
        size=size,
        total=total,
        standing=standing,
        sort=order,
        filters=filters,
    )


def row_of(phase: Phase, team: Team, standing: Standing = Standing.BEST) -> Row | None:
    """The team's line in the order of mIoU, with its rank among all, if it has a score in this phase."""
    row = whole(phase, standing).filter(team=team).first()
    if row is None:
        return None
    better = board_rows(phase, standing).filter(miou__gt=row.miou).count()
    return line(phase, row, better + 1, is_tied=False, limits=limits_key(phase.limits))


def best_row(phase: Phase, standing: Standing = Standing.BEST) -> Row | None:
    """The first line in the order of mIoU."""
    rows = page(phase, standing, size=1).rows
    return rows[0] if rows else None


# What the other modules of this folder use too


def filtered(phase: Phase, standing: Standing, filters: Filters) -> QuerySet[BoardRow]:
    """The rows that the filters let through."""
    rows = board_rows(phase, standing)
    if filters.baselines != "yes":
        rows = rows.filter(is_baseline=filters.baselines == "only")
    if filters.limits != "any":
        current = Q(limits_key__in=["", limits_key(phase.limits)])
        rows = rows.filter(current if filters.limits == "current" else ~current)
    if filters.since is not None:
        rows = rows.filter(achieved__gte=filters.since)
    return rows


def whole(phase: Phase, standing: Standing, rows: QuerySet[BoardRow] | None = None) -> QuerySet[BoardRow]:
    """With all that a line shows, and without what is large and not shown."""
    rows = board_rows(phase, standing) if rows is None else rows
    unread = ["score__confusion", "score__per_image", "score__private_per_image"]
    if not is_private(phase, standing):
        unread += ["score__private", "score__private_miou"]
    return rows.select_related("team", "submission", "score").defer(*unread)


def _total(phase: Phase, standing: Standing, filters: Filters) -> int:
    """How many rows the filters let through. Of all rows it is kept, and baselines are few and have an index."""
    if dataclasses.replace(filters, baselines="yes") != EVERYTHING or filters.baselines == "only":
        return filtered(phase, standing, filters).count()
    kept = Board.objects.filter(phase=phase, standing=standing).values_list("total", flat=True).first()
    if kept is None:
        return filtered(phase, standing, filters).count()
    if filters.baselines == "yes":
        return kept
    return max(0, kept - board_rows(phase, standing).filter(is_baseline=True).count())


def _ranks(rows: QuerySet[BoardRow], there: list[BoardRow], start: int) -> Iterator[int]:
    """Equal mIoU, equal rank. Only those equal to the first are looked for on the pages before."""
    rank, last = 0, None
    for place, row in enumerate(there, start + 1):
        if last is None and start:
            earlier = Q(achieved__lt=row.achieved) | Q(achieved=row.achieved, pk__lt=row.pk)
            rank = place - rows.filter(earlier, miou=row.miou).count()
        elif row.miou != last:
            rank = place
        last = row.miou
        yield rank


def is_private(phase: Phase, standing: Standing) -> bool:
    """True where it is ranked by the private images."""
    return standing == Standing.FINAL and phase.has_split


def private_figures(score: Score) -> dict[str, Any]:
    """Figures over the private images, named like those of a score. Not for everybody: see `standings_for`."""
    figures: dict[str, Any] = score.private or {}
    return figures


def line(phase: Phase, row: BoardRow, rank: int, is_tied: bool, *, limits: str) -> Row:
    """What is shown of a board row. `limits`: key of the phase's limits of today."""
    score = row.score
    by_private = is_private(phase, Standing(row.standing))
    figures = private_figures(score) if by_private else {}
    row.submission.phase = phase  # It is known: no query for it.
    return Row(
        id=row.pk,
        rank=rank,
        standing=Standing(row.standing),
        team=row.team,
        submission=row.submission,
        score=score,
        miou=row.miou,
        miou_low=figures.get("miou_low") if by_private else score.miou_low,
        miou_high=figures.get("miou_high") if by_private else score.miou_high,
        iou=figures.get("iou", {}) if by_private else score.iou,
        latency=row.latency,
        memory=row.memory,
        cpu_seconds=row.cpu_seconds,
        size=row.size,
        parameters=row.parameters,
        achieved=row.achieved,
        is_baseline=row.is_baseline,
        is_tied_with_above=is_tied,
        ran_under_other_limits=row.limits_key not in ("", limits),
    )
