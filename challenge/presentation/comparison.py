"""Two submissions side by side: figures, and how sure their differences are. Pure but for reading what it is given."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Literal

from challenge.models import Attempt, Kind, Score, Submission
from challenge.presentation import limits_text, units
from evaluator import intervals
from evaluator.intervals import Interval
from evaluator.metrics import CLASS_NAMES

Better = Literal["", "a", "b"]


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One figure of both; `better` names the one it speaks for, where the data can tell."""

    label: str
    a: str
    b: str
    difference: str = ""
    better: Better = ""


@dataclasses.dataclass(frozen=True, slots=True)
class ClassLine:
    """IoU of one class, or mIoU, of both, with the 95 % interval of the difference in percentage points.

    `left`, `width`, `zero` and `at` place that on a bar of 100 units, all lines alike.
    """

    name: str
    a: str
    b: str
    difference: str
    interval: str
    better: Better
    left: float | None = None
    width: float | None = None
    at: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """What a page shows of two scored submissions, beside their names. `note`: why scores can't be compared."""

    figures: list[Line]
    classes: list[ClassLine]
    limits: list[Line]
    note: str = ""


def compare(one: Submission, other: Submission) -> Comparison:
    """Both come with phase, score and the score's attempt; over the images whose scores are public."""
    assert one.score is not None
    assert other.score is not None
    note = _why_not(one, other)
    return Comparison(
        figures=_figures(one, one.score, other, other.score),
        classes=[] if note else _classes(one.score, other.score),
        limits=_limits(one.score.attempt, other.score.attempt, one, other),
        note=note,
    )


def _why_not(one: Submission, other: Submission) -> str:
    if one.phase.dataset_id != other.phase.dataset_id:
        return "They were scored on different data, so their scores are not compared."
    if one.phase_id != other.phase_id and (one.phase.has_split or other.phase.has_split):
        return "Their phases show scores over different parts of the images, so their scores are not compared."
    assert one.score is not None
    assert other.score is not None
    if not one.score.per_image or not other.score.per_image:
        return "Of one of them no figures by image were kept, so how sure the difference is can't be told."
    return ""


def _figures(one: Submission, a: Score, other: Submission, b: Score) -> list[Line]:
    measured, others = a.attempt.measurements, b.attempt.measurements
    return [
        line
        for line in (
            _line("Pixel accuracy", a.pixel_accuracy, b.pixel_accuracy, _percent),
            _line("Mean class accuracy", a.mean_pixel_accuracy, b.mean_pixel_accuracy, _percent),
            _line("Latency, median", a.latency_median_seconds, b.latency_median_seconds, units.seconds, "small"),
            _line("Latency, 90 % below", a.latency_p90_seconds, b.latency_p90_seconds, units.seconds, "small"),
            _line("Memory, peak", a.memory_peak_bytes, b.memory_peak_bytes, units.size, "small"),
            _line("CPU time", a.cpu_seconds, b.cpu_seconds, units.seconds, "small"),
            _line("Start", measured.get("start_seconds"), others.get("start_seconds"), units.seconds, "small"),
            _line("Total time", measured.get("total_seconds"), others.get("total_seconds"), units.seconds, "small"),
            _line("Unpacked", measured.get("image_bytes"), others.get("image_bytes"), units.size, "small"),
            _line("Parameters, as declared", one.parameters, other.parameters, units.count, "small"),
            _line("GMAC, as declared", one.gmac, other.gmac, _plain, "small"),
        )
        if line is not None
    ]


def _line(
    label: str,
    a: float | None,
    b: float | None,
    text: Callable[[Any], str],
    good: Literal["large", "small"] = "large",
) -> Line | None:
    """None where neither has the figure. Of what should be small the difference is a ratio."""
    if a is None and b is None:
        return None
    shown_a, shown_b = text(a), text(b)
    if a is None or b is None or shown_a == shown_b:
        return Line(label, shown_a, shown_b)
    a_is_better = a > b if good == "large" else a < b
    difference = f"{_signed(b - a)} points" if good == "large" else f"{b / a:.2f} ×" if a > 0 else ""
    return Line(label, shown_a, shown_b, difference, "a" if a_is_better else "b")


def _classes(a: Score, b: Score) -> list[ClassLine]:
    """mIoU first, then each class. `better` only where the interval of the difference leaves 0 out."""
    assert a.per_image is not None
    assert b.per_image is not None
    counts = intervals.unpack(bytes(a.per_image)), intervals.unpack(bytes(b.per_image))
    if len(counts[0]) != len(counts[1]):
        return []
    between = [_turned(intervals.difference(*counts)), *map(_turned, intervals.class_differences(*counts))]
    names = ["mIoU", *CLASS_NAMES]
    values_a = [a.miou, *(a.iou.get(name) for name in CLASS_NAMES)]
    values_b = [b.miou, *(b.iou.get(name) for name in CLASS_NAMES)]
    reach = max([abs(end) for found in between if found for end in (found.low, found.high)] + [0.01])
    return [
        _class_line(name, x, y, found, reach)
        for name, x, y, found in zip(names, values_a, values_b, between, strict=True)
    ]


def _turned(found: Interval | None) -> Interval | None:
    """Of the second less the first, as differences are written."""
    return Interval(-found.high, -found.low) if found else None


def _class_line(name: str, a: float | None, b: float | None, between: Interval | None, reach: float) -> ClassLine:
    if a is None or b is None or between is None:
        return ClassLine(name, _percent(a), _percent(b), units.NOTHING, "", "")
    better: Better = "" if 0.0 in between else ("b" if between.low > 0 else "a")

    def place(value: float) -> float:
        return round(50 + 48 * max(-1.0, min(1.0, value / reach)), 2)

    return ClassLine(
        name,
        _percent(a),
        _percent(b),
        _signed(b - a),
        f"{_signed(between.low)} to {_signed(between.high)}",
        better,
        left=place(between.low),
        width=round(max(0.6, place(between.high) - place(between.low)), 2),
        at=place(b - a),
    )


def _limits(a: Attempt, b: Attempt, one: Submission, other: Submission) -> list[Line]:
    """Those that differ; of predictions those of archives alone are known to matter."""
    if not (Kind(one.kind).runs and Kind(other.kind).runs):
        return []
    lines = []
    for (_, mine), (_, theirs) in zip(
        limits_text.group_lines(a.limits), limits_text.group_lines(b.limits), strict=True
    ):
        for left, right in zip(mine, theirs, strict=True):
            if left.value != right.value:
                lines.append(Line(left.label, left.value, right.value))
    return lines


def _percent(value: float | None) -> str:
    return units.NOTHING if value is None else f"{units.percent(value)} %"


def _plain(value: float | None) -> str:
    return units.NOTHING if value is None else f"{value:g}"


def _signed(share: float) -> str:
    """Percentage points: +1.25, −0.40."""
    return f"{100 * share:+.2f}".replace("-", "\N{MINUS SIGN}")
