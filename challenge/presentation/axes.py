"""Axes of the charts: limits and ticks that people read easily. Pure."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math

WIDTH, HEIGHT = 900, 400
LEFT, RIGHT, TOP, BOTTOM = 52, 30, 16, 46


@dataclasses.dataclass(frozen=True, slots=True)
class Tick:
    """A grid line and its text."""

    at: float
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Frame:
    """Where a chart's lines and texts lie; the base of what the templates draw."""

    x_ticks: list[Tick]
    y_ticks: list[Tick]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


@dataclasses.dataclass(frozen=True, slots=True)
class Measure:
    """What the Pareto chart sets mIoU against: all of them positive, and better when smaller.

    `name` is the board's column; `unit` and `per_unit` say in what the axis counts.
    """

    name: str
    short: str
    title: str
    better: str
    unit: str
    per_unit: float


MEASURES = {
    measure.name: measure
    for measure in (
        Measure("latency", "Latency", "Median latency an image", "further left is faster", "ms", 1e-3),
        Measure("memory", "Memory", "Peak memory", "further left is smaller", "MiB", 1024.0**2),
        Measure("size", "Size", "Size of code or image", "further left is smaller", "MiB", 1024.0**2),
        Measure("parameters", "Parameters", "Parameters, as declared", "further left is smaller", "M", 1e6),
    )
}


@dataclasses.dataclass(frozen=True, slots=True)
class Logarithmic:
    """From `low` to `high`, both in the axis' unit, onto the width of a chart."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def place(self, value: float) -> float:
        """Where a value lies, in the chart's units."""
        share = (math.log10(value) - math.log10(self.low)) / (math.log10(self.high) - math.log10(self.low))
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)


def logarithmic(values: list[float]) -> Logarithmic:
    """Limits at the nearest 1, 2 or 5 times a power of ten on the outside of the values, which are positive."""
    low, high = max(min(values), 1e-9), max(max(values), 1e-9)
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 2)
    steps = [step * 10.0**power for power in powers for step in (1, 2, 5)]
    under = max(value for value in steps if value <= low * 0.97)
    over = min(value for value in steps if value >= high * 1.03)
    ticks = [step for step in steps if under * 0.999 <= step <= over * 1.001]
    if len(ticks) > 8:
        tens = [tick for tick in ticks if math.isclose(math.log10(tick), round(math.log10(tick)), abs_tol=1e-9)]
        ticks = tens[:: math.ceil(len(tens) / 8)]
    return Logarithmic(under, over, tuple(ticks))


@dataclasses.dataclass(frozen=True, slots=True)
class Percents:
    """Whole percents from `low` to `high` onto the height of a chart; values are fractions of 1."""

    low: int
    high: int
    step: int

    def place(self, value: float) -> float:
        """Where a value lies, in the chart's units: large is up."""
        share = (100 * value - self.low) / (self.high - self.low)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP), 1)

    @property
    def ticks(self) -> list[Tick]:
        """A line at each step."""
        return [Tick(self.place(value / 100), f"{value}") for value in range(self.low, self.high + 1, self.step)]


def percents(values: list[float]) -> Percents:
    """Limits and step, with room around the values."""
    low, high = 100 * min(values), 100 * max(values)
    spread = max(high - low, 2.0)
    step = next(step for step in (1, 2, 5, 10, 20) if spread / step <= 5)
    under = max(0, math.floor((low - spread * 0.08) / step) * step)
    over = min(100, math.ceil((high + spread * 0.08) / step) * step)
    return Percents(under, max(over, under + step), step)


@dataclasses.dataclass(frozen=True, slots=True)
class Times:
    """From one moment to a later one onto the width of a chart."""

    begin: dt.datetime
    end: dt.datetime
    ticks: tuple[Tick, ...]

    def place(self, moment: dt.datetime) -> float:
        """Where a moment lies, in the chart's units."""
        share = (moment - self.begin) / (self.end - self.begin)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)


_HOUR, _DAY = 3600, 86_400
_STEPS = (_HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 7 * _DAY, 14 * _DAY, 28 * _DAY, 91 * _DAY,
          182 * _DAY, 364 * _DAY, 728 * _DAY)  # fmt: skip


def times(begin: dt.datetime, end: dt.datetime) -> Times:
    """At most eight ticks, on whole hours, days or weeks of UTC."""
    end = max(end, begin + dt.timedelta(hours=2))
    length = (end - begin).total_seconds()
    step = next((step for step in _STEPS if length / step <= 7), math.ceil(length / 7))
    plain = Times(begin, end, ())
    first = math.ceil(begin.timestamp() / step) * step
    moments = [dt.datetime.fromtimestamp(at, dt.UTC) for at in range(first, math.floor(end.timestamp()) + 1, step)]
    text = "%-d %b %Y" if step > 91 * _DAY else "%-d %b" if step >= _DAY else "%-d %b, %H:%M"
    return Times(begin, end, tuple(Tick(plain.place(moment), f"{moment:{text}}") for moment in moments))
