"""What a run used over time, and how long each image took: lines for the report's drawings, with tables. Pure."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from challenge.presentation import units
from sandbox import Limits
from sandbox.limits import MIB

WINDOWS = 60
"""CPU use is averaged over at most so many stretches of the run."""

SHORTEST_WINDOW = 0.4
"""Seconds: the quota lets all CPU time of a period of 0.1 s through at once, so that shorter stretches only jump."""

TABLE_ROWS = 10

MOST_BARS = 240


@dataclasses.dataclass(frozen=True, slots=True)
class Frame:
    """Where a drawing's axes lie, in its own units."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int


PANEL = Frame(width=340, height=170, left=58, right=330, top=12, bottom=142)
STRIP = Frame(width=900, height=190, left=58, right=888, top=14, bottom=158)


@dataclasses.dataclass(frozen=True, slots=True)
class Tick:
    """A grid line and its text."""

    at: float
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Panel:
    """One quantity over time. `limit` is the height of its limit, where that is near enough to be drawn."""

    title: str
    summary: str
    line: str
    area: str
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    limit: float | None
    frame: Frame = PANEL


@dataclasses.dataclass(frozen=True, slots=True)
class Moment:
    """A row of the table: the same figures at one time."""

    seconds: str
    cpu: str
    memory: str
    images: int


@dataclasses.dataclass(frozen=True, slots=True)
class ResourceCurve:
    """What a run used over time: memory, processor, answers."""

    panels: list[Panel]
    rows: list[Moment]

    @property
    def shows_limit(self) -> bool:
        """Some panel draws its limit."""
        return any(panel.limit is not None for panel in self.panels)


Points = list[tuple[float, float]]


def resource_curve(samples: Sequence[Mapping[str, Any]], limits: Limits, total: int) -> ResourceCurve | None:
    """The drawings for `measurements["curve"]` (see sandbox.Sample), or None where it holds too little to draw.

    Args:
        total: how many images were asked for.
    """
    if len(samples) < 3 or samples[-1]["seconds"] <= 0:
        return None
    memory = [(s["seconds"], s["memory_bytes"]) for s in samples if s["memory_bytes"] is not None]
    panels = []
    if len(memory) > 1:
        peak = max(value for _, value in memory)
        said = f"peak {units.size(peak)} of {units.exact_size(limits.memory_bytes)}"
        panels.append(_panel("Memory", said, memory, limits.memory_bytes, _memory_top, units.size))
    if cpu := cores_busy(samples):
        used = samples[-1]["cpu_seconds"]
        mean = used / samples[-1]["seconds"]
        said = f"{mean:.2f} cores on average, of {limits.cpu_quota:g}"
        panels.append(_panel("Processor", said, cpu, limits.cpu_quota, _decimal_top, _cores))
    answers = [(s["seconds"], float(s["images_done"])) for s in samples]
    said = f"{samples[-1]['images_done']} of {total} images"
    panels.append(_panel("Answers", said, answers, None, lambda most: max(total, most, 1.0), lambda n: f"{n:.0f}"))
    return ResourceCurve(panels, _moments(samples))


def cores_busy(samples: Sequence[Mapping[str, Any]]) -> Points:
    """CPU seconds per second, at the end of each of at most WINDOWS stretches; empty where CPU time is not known."""
    known = [(s["seconds"], s["cpu_seconds"]) for s in samples if s["cpu_seconds"] is not None]
    if len(known) < 2:
        return []
    length = known[-1][0] - known[0][0]
    step = max(length / WINDOWS, min(SHORTEST_WINDOW, length / 4))
    found: Points = []
    since, before = known[0]
    for at, used in known[1:]:
        if at - since >= step and at > since:
            found.append((at, max(0.0, (used - before) / (at - since))))
            since, before = at, used
    return [(known[0][0], found[0][1]), *found] if found else []


def _panel(
    title: str,
    summary: str,
    points: Points,
    limit: float | None,
    top_of: Callable[[float], float],
    text: Callable[[float], str],
) -> Panel:
    """The limit is drawn where the run came near it; else the scale is the run's own, and the summary names it."""
    peak = max(value for _, value in points)
    near = limit if limit is not None and limit <= 2 * peak else None
    top = top_of(max(peak, near or 0))
    end = points[-1][0]
    frame = PANEL
    placed = [(_across(at / end, frame), _up(value / top, frame)) for at, value in points]
    line = " ".join(f"{x:g},{y:g}" for x, y in placed)
    return Panel(
        title=title,
        summary=summary,
        line=line,
        area=f"{placed[0][0]:g},{frame.bottom} {line} {placed[-1][0]:g},{frame.bottom}",
        x_ticks=[Tick(_across(share, frame), _time(share * end)) for share in (0, 0.5, 1)],
        y_ticks=[Tick(_up(share, frame), text(share * top)) for share in (0, 0.5, 1)],
        limit=None if near is None else _up(near / top, frame),
    )


def _moments(samples: Sequence[Mapping[str, Any]]) -> list[Moment]:
    """At most TABLE_ROWS moments, equally far apart; the last is the end."""
    end = samples[-1]["seconds"]
    rows, place = [], 0
    count = min(TABLE_ROWS, len(samples))
    for step in range(1, count + 1):
        while place + 1 < len(samples) and samples[place]["seconds"] < end * step / count:
            place += 1
        at = samples[place]
        rows.append(
            Moment(
                units.seconds(at["seconds"]),
                units.seconds(at["cpu_seconds"]),
                units.size(at["memory_bytes"]),
                at["images_done"],
            )
        )
    return list(dict.fromkeys(rows))


# Latency over images


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """A row of the table: neighbouring images."""

    first: int
    last: int
    median: str
    slowest: str


@dataclasses.dataclass(frozen=True, slots=True)
class LatencyChart:
    """One bar an image, or for many images one bar for the slowest of `per_bar` neighbours, in the order asked."""

    bars: str
    median: float
    p90: float
    limit: float | None
    summary: str
    per_bar: int
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    rows: list[Group]
    frame: Frame = STRIP


def latency_chart(latencies: Sequence[float], limits: Limits) -> LatencyChart | None:
    """The drawing for `measurements["latencies"]`, or None with fewer than three images."""
    if len(latencies) < 3:
        return None
    per_bar = math.ceil(len(latencies) / MOST_BARS)
    bars = [max(latencies[at : at + per_bar]) for at in range(0, len(latencies), per_bar)]
    slowest = max(latencies)
    shows_limit = limits.image_seconds <= 2 * slowest
    top = _decimal_top(max(slowest, limits.image_seconds) if shows_limit else slowest)
    median, p90 = statistics.median(latencies), statistics.quantiles(latencies, n=10, method="inclusive")[8]
    frame = STRIP
    middles = [_across((number + 0.5) / len(bars), frame) for number in range(len(bars))]
    number = latencies.index(slowest) + 1
    return LatencyChart(
        bars="".join(f"M{x:g} {frame.bottom}V{_up(y / top, frame):g}" for x, y in zip(middles, bars, strict=True)),
        median=_up(median / top, frame),
        p90=_up(p90 / top, frame),
        limit=_up(limits.image_seconds / top, frame) if shows_limit else None,
        summary=(
            f"median {units.seconds(median)}, 90 % within {units.seconds(p90)}; slowest {units.seconds(slowest)}, "
            f"image {number} of {len(latencies)}"
        ),
        per_bar=per_bar,
        x_ticks=[
            Tick(_across((n - 0.5) / len(latencies), frame), str(n))
            for n in sorted({1, (len(latencies) + 1) // 2, len(latencies)})
        ],
        y_ticks=[Tick(_up(share, frame), units.seconds(share * top) if share else "0") for share in (0, 0.5, 1)],
        rows=_groups(latencies),
    )


def _groups(latencies: Sequence[float]) -> list[Group]:
    each = math.ceil(len(latencies) / TABLE_ROWS)
    rows = []
    for at in range(0, len(latencies), each):
        some = latencies[at : at + each]
        rows.append(Group(at + 1, at + len(some), units.seconds(statistics.median(some)), units.seconds(max(some))))
    return rows


# Scales


def _across(share: float, frame: Frame) -> float:
    return round(frame.left + share * (frame.right - frame.left), 1)


def _up(share: float, frame: Frame) -> float:
    return round(frame.bottom - share * (frame.bottom - frame.top), 1)


def _decimal_top(most: float) -> float:
    """The next 1, 2, 4, 5 or 8 times a power of ten: halves of them are round too."""
    power = 10.0 ** math.floor(math.log10(max(most, 1e-9)))
    return next(step * power for step in (1, 2, 4, 5, 8, 10) if step * power >= most * 0.9999)


def _memory_top(most: float) -> float:
    """The next power of two, or one and a half of it, in MiB."""
    power = 2.0 ** math.floor(math.log2(max(most / MIB, 1)))
    return MIB * next(step * power for step in (1, 1.5, 2) if step * power >= most / MIB * 0.9999)


def _cores(value: float) -> str:
    return f"{value:g}"


def _time(value: float) -> str:
    return "0 s" if not value else units.seconds(value)
