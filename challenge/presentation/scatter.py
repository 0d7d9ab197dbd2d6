"""The Pareto chart: mIoU against what should be small, with the front of the whole phase. Pure: the template draws."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator
from itertools import pairwise

from challenge.presentation.axes import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Frame,
    Measure,
    Tick,
    logarithmic,
    percents,
)


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One submission on the chart. `x` should be small, `y` large; `link` leads to its report."""

    name: str
    detail: str
    link: str
    x: float
    y: float
    is_baseline: bool = False
    is_mine: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Label:
    """A name beside its point, where it covers nothing; `anchor` is SVG's text-anchor."""

    text: str
    x: float
    y: float
    anchor: str


@dataclasses.dataclass(frozen=True, slots=True)
class Point:
    """An entry at its place, in the chart's units. `label` is None where there was no room for one."""

    entry: Entry
    cx: float
    cy: float
    on_front: bool
    label: Label | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Scatter(Frame):
    """All a template needs to draw the chart: what it is set against, the points, and the front's corners."""

    measure: Measure = dataclasses.field(kw_only=True)
    points: list[Point] = dataclasses.field(kw_only=True)
    front: str = dataclasses.field(kw_only=True)


def pareto_front(entries: Iterable[Entry]) -> list[Entry]:
    """Entries that no other beats in both: smallest x first, each next one higher. Of equals, the first given stays."""
    front: list[Entry] = []
    for entry in sorted(entries, key=lambda e: (e.x, -e.y)):
        if not front or entry.y > front[-1].y:
            front.append(entry)
    return front


def scatter(entries: Iterable[Entry], measure: Measure) -> Scatter | None:
    """The chart of `entries`, or None with fewer than two that were measured (x > 0). An entry given twice is one."""
    entries = [entry for entry in dict.fromkeys(entries) if entry.x > 0]
    if len(entries) < 2:
        return None
    across = logarithmic([entry.x / measure.per_unit for entry in entries])
    up = percents([entry.y for entry in entries])
    front = pareto_front(entries)
    members = set(front)
    points = [Point(e, across.place(e.x / measure.per_unit), up.place(e.y), e in members) for e in entries]
    points.sort(key=lambda point: point.on_front)  # Drawn last is on top: the front over the rest.
    corners = [(across.place(e.x / measure.per_unit), up.place(e.y)) for e in front]
    return Scatter(
        measure=measure,
        points=_labelled(points, corners),
        front=" ".join(f"{x},{y}" for x, y in corners),
        x_ticks=[Tick(across.place(value), _text(value, measure)) for value in across.ticks],
        y_ticks=up.ticks,
    )


def _text(value: float, measure: Measure) -> str:
    if measure.unit == "ms" and value >= 1000:
        return f"{value / 1000:g} s"
    return f"{value:g} {measure.unit}"


_LETTER, _LINE, _RADIUS = 8.8, 18.0, 8.0

_OFFSETS = (
    (11.0, 4.0, "start"),
    (-11.0, 4.0, "end"),
    (0.0, -12.0, "middle"),
    (0.0, 20.0, "middle"),
    (9.0, 18.0, "start"),
    (-9.0, -8.0, "end"),
)

Box = tuple[float, float, float, float]


def _labelled(points: list[Point], front: list[tuple[float, float]]) -> list[Point]:
    """Names for as many points as have room: first the front from the top, then the rest; never over one another."""
    taken: list[Box] = [(p.cx - _RADIUS, p.cy - _RADIUS, p.cx + _RADIUS, p.cy + _RADIUS) for p in points]
    taken += _along(front)
    labels: dict[Entry, Label] = {}
    for point in sorted(points, key=lambda p: (not p.on_front, p.cy)):
        for label, box in _places(point):
            inside = box[0] >= LEFT and box[2] <= WIDTH - RIGHT and box[1] >= TOP and box[3] <= HEIGHT - BOTTOM
            if inside and not any(_overlap(box, other) for other in taken):
                labels[point.entry] = label
                taken.append(box)
                break
    return [dataclasses.replace(point, label=labels.get(point.entry)) for point in points]


def _places(point: Point) -> Iterator[tuple[Label, Box]]:
    """Right, left, above, below; then the corners a rising line leaves free."""
    name = point.entry.name
    text = name if len(name) <= 22 else name[:21] + "…"
    width = len(text) * _LETTER
    for dx, dy, anchor in _OFFSETS:
        x, y = point.cx + dx, point.cy + dy
        left = {"start": x, "end": x - width, "middle": x - width / 2}[anchor]
        yield Label(text, round(x, 1), round(y, 1), anchor), (left, y - _LINE + 4, left + width, y + 4)


def _along(corners: list[tuple[float, float]]) -> list[Box]:
    """Small boxes along a line, so that no name lies on it."""
    boxes = []
    for (x, y), (next_x, next_y) in pairwise(corners):
        steps = max(1, round(math.hypot(next_x - x, next_y - y) / 6))
        for step in range(1, steps):
            at_x, at_y = x + (next_x - x) * step / steps, y + (next_y - y) * step / steps
            boxes.append((at_x - 1, at_y - 1, at_x + 1, at_y + 1))
    return boxes


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
