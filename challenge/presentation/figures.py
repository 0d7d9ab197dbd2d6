"""What a submission page draws: usage against limits, per-class IoU, the confusion matrix as shares. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from challenge.presentation import units
from evaluator.metrics import CLASS_NAMES
from sandbox import Limits


@dataclasses.dataclass(frozen=True, slots=True)
class Usage:
    """One figure beside its limit. `percent` is 0 to 100, for the bar."""

    label: str
    used: str
    limit: str
    percent: float

    @property
    def near(self) -> bool:
        """Within a tenth of the limit."""
        return self.percent >= 90


def usage(measurements: Mapping[str, Any], limits: Limits) -> list[Usage]:
    """What was measured, against the limits it was measured under. Figures that are missing are left out."""
    latencies: Sequence[float] = measurements.get("latencies") or ()
    pairs = (
        ("Memory, peak", measurements.get("memory_peak_bytes"), limits.memory_bytes, "bytes"),
        ("Start", measurements.get("start_seconds"), limits.start_seconds, "seconds"),
        ("Slowest image", max(latencies, default=None), limits.image_seconds, "seconds"),
        ("Total time", measurements.get("total_seconds"), limits.total_seconds, "seconds"),
        ("CPU time", measurements.get("cpu_seconds"), limits.cpu_seconds, "seconds"),
    )
    return [
        Usage(
            label,
            units.size(used) if unit == "bytes" else units.seconds(used),
            units.exact_size(int(limit)) if unit == "bytes" else units.span(limit),
            round(min(100.0, 100 * used / limit), 2),
        )
        for label, used, limit, unit in pairs
        if used is not None
    ]


def archive_usage(packed_bytes: int, limits: Limits) -> list[Usage]:
    """The same of a zip of predictions: nothing ran, so nothing else was measured."""
    most = limits.archive_packed_bytes
    share = round(min(100.0, 100 * packed_bytes / most), 2)
    return [Usage("Zip", units.size(packed_bytes), units.exact_size(most), share)]


@dataclasses.dataclass(frozen=True, slots=True)
class ClassBar:
    """IoU of one class; `percent` is None where neither truth nor prediction has the class."""

    index: int
    name: str
    percent: float | None


def class_bars(iou: Mapping[str, float | None]) -> list[ClassBar]:
    """Bars in the order of the label values."""
    bars = []
    for index, name in enumerate(CLASS_NAMES):
        value = iou.get(name)
        bars.append(ClassBar(index, name, None if value is None else round(100 * value, 2)))
    return bars


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """One share of a row of the confusion matrix: its percentage, its pixels, its tone from 0 to 5."""

    percent: float
    pixels: int
    heat: int
    hit: bool


@dataclasses.dataclass(frozen=True, slots=True)
class ConfusionRow:
    """What became of the pixels of one class."""

    name: str
    cells: list[Cell]
    pixels: int


CONFUSION_COLUMNS = (*CLASS_NAMES, "no class")


def confusion_rows(confusion: Sequence[Sequence[int]]) -> list[ConfusionRow]:
    """The seven scored rows of an 8 x 8 matrix of counts (rows truth), as shares of each row."""
    rows = []
    for index, (name, counts) in enumerate(zip(CLASS_NAMES, confusion, strict=False)):
        total = sum(counts)
        cells = [
            Cell(
                percent=round(100 * count / total, 1) if total else 0.0,
                pixels=count,
                heat=_heat(count / total) if total else 0,
                hit=column == index,
            )
            for column, count in enumerate(counts)
        ]
        rows.append(ConfusionRow(name, cells, total))
    return rows


def _heat(share: float) -> int:
    """Six tones, finer where errors live: below 1, 5, 15, 40 and 75 %."""
    return sum(share >= step for step in (0.01, 0.05, 0.15, 0.40, 0.75))
