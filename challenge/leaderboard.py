"""Every read for ranking: pages of a board, a team's line, the best score over time, exports.

Rows are kept by results.py in the transactions that change what is ranked. Reading a page costs the same for ten teams
and for a hundred thousand, except that a far page counts the rows before it in the index.

A board has three standings (models/scores.py): ask `standings_for` which of them a person may see. Nothing else reads
board rows, so that a private score leaves through here or not at all.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from collections.abc import Iterator
from typing import Any, Literal

from django.db.models import Q, QuerySet

from challenge import ties
from challenge.fronts import AXES as AXES
from challenge.fronts import Axis as Axis
from challenge.fronts import Front as Front
from challenge.fronts import Point as Point
from challenge.fronts import board_rows
from challenge.fronts import pareto as pareto
from challenge.limits_key import limits_key
from challenge.models import Board, BoardRow, Phase, Record, Score, Standing, Submission, Team
from challenge.permissions import standings_for as standings_for
from evaluator.metrics import CLASS_NAMES

PAGE_SIZE = 50
MOST_ROWS = 200
"""Of a page."""

MOST_LISTED = 500
"""Steps of the history; lines among the disqualified."""


@dataclasses.dataclass(frozen=True, slots=True)
class Sort:
    """An order of the board: `name` as in an address, `order` as Django takes it. What is unknown comes last."""

    name: str
    label: str
    order: tuple[str, ...]


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
    rows = _filtered(phase, standing, filters)
    total = _total(phase, standing) if filters == EVERYTHING else rows.count()
    size = min(max(1, size), MOST_ROWS)
    number = min(max(1, number), max(1, math.ceil(total / size)))
    start = (number - 1) * size
    # Ids first, from the index alone: a far page would else fetch the team and the score of each row before it.
    ids = list(rows.order_by(*order.order).values_list("pk", flat=True)[max(0, start - 1) : start + size])
    found = {row.pk: row for row in _whole(phase, standing).filter(pk__in=ids)}
    there = [found[identity] for identity in ids if identity in found]
    above = there.pop(0) if start and there else None
    by_miou = order.name == "miou"
    tied = ties.with_above(phase, standing, [*([above] if above else []), *there]) if by_miou else set()
    ranks = _ranks(rows, there, start) if by_miou else range(start + 1, start + 1 + len(there))
    limits = limits_key(phase.limits)
    return Page(
        rows=[_row(phase, row, rank, row.pk in tied, limits=limits) for row, rank in zip(there, ranks, strict=True)],
        number=number,
        size=size,
        total=total,
        standing=standing,
        sort=order,
        filters=filters,
    )


def row_of(phase: Phase, team: Team, standing: Standing = Standing.BEST) -> Row | None:
    """The team's line in the order of mIoU, with its rank among all, if it has a score in this phase."""
    row = _whole(phase, standing).filter(team=team).first()
    if row is None:
        return None
    better = board_rows(phase, standing).filter(miou__gt=row.miou).count()
    return _row(phase, row, better + 1, is_tied=False, limits=limits_key(phase.limits))


def best_row(phase: Phase, standing: Standing = Standing.BEST) -> Row | None:
    """The first line in the order of mIoU."""
    rows = page(phase, standing, size=1).rows
    return rows[0] if rows else None


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
    teams = Team.objects.filter(
        challenge=phase.challenge_id,
        disqualified_at__isnull=False,
        pk__in=Submission.objects.filter(phase=phase, score__isnull=False).values("team"),
    ).order_by("-disqualified_at", "pk")
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


EXPORT_COLUMNS = (
    "rank", "team", "team_slug", "submission", "title", "kind", "is_baseline", "submitted",
    "miou", "miou_low", "miou_high", "pixel_accuracy", "mean_pixel_accuracy",
    *(f"iou_{name}" for name in CLASS_NAMES),
    "latency_median_seconds", "latency_p90_seconds", "cpu_seconds", "memory_peak_bytes", "size_bytes", "parameters",
    "ran_under_other_limits", "method", "link",
)  # fmt: skip
"""Keys of what `export_rows` yields, in the order for a file."""


def export_rows(
    phase: Phase, standing: Standing = Standing.BEST, filters: Filters = EVERYTHING
) -> Iterator[dict[str, Any]]:
    """The whole board in the order of mIoU, a few rows at a time: EXPORT_COLUMNS to plain values, dates as text.

    Texts are as teams wrote them: who makes a CSV of them escapes what a spreadsheet would take for a formula.
    """
    limits = limits_key(phase.limits)
    rows = _whole(phase, standing, _filtered(phase, standing, filters)).order_by(*SORTS["miou"].order)
    rank, last = 0, None
    for place, row in enumerate(rows.iterator(chunk_size=500), 1):
        rank, last = (place if row.miou != last else rank), row.miou
        yield _plain(_row(phase, row, rank, is_tied=False, limits=limits))


def _plain(row: Row) -> dict[str, Any]:
    accuracies = _private(row.score) if _is_private(row.submission.phase, row.standing) else None
    values: dict[str, Any] = {
        "rank": row.rank,
        "team": row.team.name,
        "team_slug": row.team.slug,
        "submission": str(row.submission.pk),
        "title": row.submission.title,
        "kind": row.submission.kind,
        "is_baseline": row.is_baseline,
        "submitted": row.achieved.astimezone(dt.UTC).isoformat(timespec="seconds"),
        "miou": row.miou,
        "miou_low": row.miou_low,
        "miou_high": row.miou_high,
        "pixel_accuracy": accuracies["pixel_accuracy"] if accuracies else row.score.pixel_accuracy,
        "mean_pixel_accuracy": accuracies["mean_pixel_accuracy"] if accuracies else row.score.mean_pixel_accuracy,
        **{f"iou_{name}": row.iou.get(name) for name in CLASS_NAMES},
        "latency_median_seconds": row.latency,
        "latency_p90_seconds": row.score.latency_p90_seconds,
        "cpu_seconds": row.cpu_seconds,
        "memory_peak_bytes": row.memory,
        "size_bytes": row.size,
        "parameters": row.parameters,
        "ran_under_other_limits": row.ran_under_other_limits,
        "method": row.submission.method,
        "link": row.submission.link,
    }
    return {name: values[name] for name in EXPORT_COLUMNS}


# Inside


def _filtered(phase: Phase, standing: Standing, filters: Filters) -> QuerySet[BoardRow]:
    rows = board_rows(phase, standing)
    if filters.baselines != "yes":
        rows = rows.filter(is_baseline=filters.baselines == "only")
    if filters.limits != "any":
        current = Q(limits_key__in=["", limits_key(phase.limits)])
        rows = rows.filter(current if filters.limits == "current" else ~current)
    if filters.since is not None:
        rows = rows.filter(achieved__gte=filters.since)
    return rows


def _whole(phase: Phase, standing: Standing, rows: QuerySet[BoardRow] | None = None) -> QuerySet[BoardRow]:
    """With all that a line shows, and without what is large and not shown."""
    rows = board_rows(phase, standing) if rows is None else rows
    unread = ["score__confusion", "score__per_image", "score__private_per_image"]
    if not _is_private(phase, standing):
        unread += ["score__private", "score__private_miou"]
    return rows.select_related("team", "submission", "score").defer(*unread)


def _total(phase: Phase, standing: Standing) -> int:
    kept = Board.objects.filter(phase=phase, standing=standing).values_list("total", flat=True).first()
    return board_rows(phase, standing).count() if kept is None else kept


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


def _is_private(phase: Phase, standing: Standing) -> bool:
    """True where it is ranked by the private images."""
    return standing == Standing.FINAL and phase.has_split


def _private(score: Score) -> dict[str, Any]:
    figures: dict[str, Any] = score.private or {}
    return figures


def _row(phase: Phase, row: BoardRow, rank: int, is_tied: bool, *, limits: str) -> Row:
    score = row.score
    is_private = _is_private(phase, Standing(row.standing))
    figures = _private(score) if is_private else {}
    row.submission.phase = phase  # It is known: no query for it.
    return Row(
        id=row.pk,
        rank=rank,
        standing=Standing(row.standing),
        team=row.team,
        submission=row.submission,
        score=score,
        miou=row.miou,
        miou_low=figures.get("miou_low") if is_private else score.miou_low,
        miou_high=figures.get("miou_high") if is_private else score.miou_high,
        iou=figures.get("iou", {}) if is_private else score.iou,
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
