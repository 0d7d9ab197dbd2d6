"""The board's scatter: mIoU against latency, with the Pareto front. Pure: the template draws."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator
from itertools import pairwise

WIDTH, HEIGHT = 900, 400
LEFT, RIGHT, TOP, BOTTOM = 52, 30, 16, 46


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One submission on the chart. `x` is what should be small, `y` what should be large."""

    name: str
    detail: str
    anchor: str
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
class Tick:
    """A grid line and its text."""

    at: float
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Scatter:
    """All a template needs to draw the chart."""

    points: list[Point]
    front: str
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def pareto_front(entries: Iterable[Entry]) -> list[Entry]:
    """Entries that no other beats in both: smallest x first, each next one higher. Of equals, the first given stays."""
    front: list[Entry] = []
    for entry in sorted(entries, key=lambda e: (e.x, -e.y)):
        if not front or entry.y > front[-1].y:
            front.append(entry)
    return front


def scatter(entries: list[Entry]) -> Scatter | None:
    """The chart of `entries` (x in seconds, logarithmic; y a fraction of 1), or None with fewer than two."""
    if len(entries) < 2:
        return None
    x_low, x_high = _decades(min(e.x for e in entries), max(e.x for e in entries))
    y_low, y_high, y_step = _percent_range(min(e.y for e in entries), max(e.y for e in entries))

    def across(x: float) -> float:
        share = (math.log10(x) - math.log10(x_low)) / (math.log10(x_high) - math.log10(x_low))
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def up(y: float) -> float:
        return round(HEIGHT - BOTTOM - (100 * y - y_low) / (y_high - y_low) * (HEIGHT - BOTTOM - TOP), 1)

    front = pareto_front(entries)
    members = set(front)
    points = [Point(e, across(e.x), up(e.y), e in members) for e in entries]
    points.sort(key=lambda point: point.on_front)  # Drawn last is on top: the front over the rest.
    points = _labelled(points, [(across(e.x), up(e.y)) for e in front])
    corners = [f"{across(e.x)},{up(e.y)}" for e in front]
    return Scatter(
        points=points,
        front=" ".join(corners),
        x_ticks=[Tick(across(x), _milliseconds(x)) for x in _x_ticks(x_low, x_high)],
        y_ticks=[Tick(up(y / 100), f"{y}") for y in range(y_low, y_high + 1, y_step)],
    )


_LETTER, _LINE, _RADIUS = 7.6, 16.0, 8.0

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


_STEPS = (1, 2, 5)


def _decades(low: float, high: float) -> tuple[float, float]:
    """Limits of a logarithmic axis: the nearest 1, 2 or 5 times a power of ten on the outside of the values."""
    low, high = max(low, 1e-6), max(high, 1e-6)
    candidates = [step * 10.0**power for power in range(-7, 6) for step in _STEPS]
    under = max(value for value in candidates if value <= low * 0.97)
    over = min(value for value in candidates if value >= high * 1.03)
    return under, over


def _x_ticks(low: float, high: float) -> list[float]:
    ticks = [s * 10.0**p for p in range(-7, 6) for s in _STEPS if low * 0.999 <= s * 10.0**p <= high * 1.001]
    if len(ticks) > 8:
        ticks = [tick for tick in ticks if math.isclose(math.log10(tick) % 1, 0, abs_tol=1e-9)]
    return ticks


def _percent_range(low: float, high: float) -> tuple[int, int, int]:
    """Whole percent limits and step of the y axis, with room around the values."""
    spread = max(100 * (high - low), 2.0)
    step = next(step for step in (1, 2, 5, 10, 20) if spread / step <= 5)
    under = max(0, math.floor((100 * low - spread * 0.08) / step) * step)
    over = min(100, math.ceil((100 * high + spread * 0.08) / step) * step)
    return under, max(over, under + step), step


def _milliseconds(x: float) -> str:
    return f"{x:g} s" if x >= 1 else f"{1000 * x:g} ms"
