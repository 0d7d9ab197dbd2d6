"""What the pages draw: bars, the scatter, the confusion matrix, units; and that colours have contrast."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path

import pytest

from challenge.presentation import charts, figures, limits_text, units
from evaluator.metrics import CLASS_NAMES
from sandbox import PROFILES, Limits, field_info
from sandbox.limits import GIB, KIB, MIB
from sandbox.options import add_limit_options, limits_from
from sandbox.units import parse_size

CSS = Path(__file__).resolve().parents[2] / "challenge" / "static" / "parakh" / "base.css"


@pytest.mark.parametrize(
    ("count", "text"),
    [(GIB, "1 GiB"), (3 * GIB // 2, "1.5 GiB"), (64 * MIB, "64 MiB"), (KIB, "1 KiB"), (1000, "1000 B"), (0, "0 B"),
     (1_234_567_890, "1234567890 B"), (256 * GIB, "256 GiB"), (100 * GIB, "100 GiB")],
)  # fmt: skip
def test_exact_sizes_are_read_back(count: int, text: str) -> None:
    assert units.exact_size(count) == text
    assert parse_size(text) == count


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.00042, "0.42 ms"), (0.0123, "12.3 ms"), (0.123, "123 ms"), (2.41, "2.4 s"), (600, "10 min"),
     (250, "4 min 10 s"), (5400, "1 h 30 min")],
)  # fmt: skip
def test_seconds(value: float | None, text: str) -> None:
    assert units.seconds(value) == text


def test_limits_in_words() -> None:
    limits = Limits(cpus=2, cpu_quota=1.5)
    assert limits_text.sentence(limits) == "1 GiB of memory, 2 cores at 1.5 CPU, 10 s an image, 10 min in all"
    assert units.limit_value(10_000_000, field_info("tmpfs_inodes")).replace("\u202f", " ") == "10 000 000"


def test_the_command_for_home_gives_the_limits_of_the_phase() -> None:
    limits = Limits(memory_bytes=700 * MIB, cpu_quota=0.5, pids=50, image_seconds=0.25, cpu_seconds=90)
    parser = argparse.ArgumentParser()
    add_limit_options(parser)
    assert limits_from(parser.parse_args(limits_text.local_options(limits).split())) == limits


@pytest.mark.parametrize("name", PROFILES)
def test_the_command_for_home_names_the_profile_of_the_phase(name: str) -> None:
    """Threads and scratch space too: they have no options of their own."""
    here = PROFILES[name].on(os.cpu_count() or 1)
    parser = argparse.ArgumentParser()
    add_limit_options(parser)
    assert limits_from(parser.parse_args(limits_text.local_options(here).split())) == here


def test_usage_leaves_out_what_was_not_measured() -> None:
    found = figures.usage({"memory_peak_bytes": 950 * MIB, "total_seconds": 900.0, "latencies": []}, Limits())
    assert [(item.label, item.percent, item.near) for item in found] == [
        ("Memory, peak", 92.77, True),
        ("Total time", 100.0, True),
    ]


def test_confusion_rows_are_shares_of_the_truth() -> None:
    matrix = [[0] * 8 for _ in range(8)]
    matrix[0] = [75, 20, 0, 0, 0, 0, 0, 5]
    first, second, *rest = figures.confusion_rows(matrix)
    assert len(rest) == len(CLASS_NAMES) - 2  # "no class" is no row: such truth is not scored.
    assert [cell.percent for cell in first.cells] == [75.0, 20.0, 0, 0, 0, 0, 0, 5.0]
    assert [cell.heat for cell in first.cells] == [5, 3, 0, 0, 0, 0, 0, 2]
    assert [cell.hit for cell in first.cells].index(True) == 0
    assert second.pixels == 0


def entry(name: str, x: float, y: float) -> charts.Entry:
    return charts.Entry(name=name, detail="", anchor=name, x=x, y=y)


def test_the_pareto_front() -> None:
    slow_good, fast_bad, middle = entry("a", 0.1, 0.7), entry("b", 0.01, 0.4), entry("c", 0.03, 0.6)
    beaten, equal = entry("d", 0.05, 0.55), entry("e", 0.1, 0.7)
    assert charts.pareto_front([slow_good, beaten, equal, fast_bad, middle]) == [fast_bad, middle, slow_good]


def test_the_scatter_stays_inside_its_frame_and_names_do_not_overlap() -> None:
    entries = [entry(f"team number {n}", 0.005 * 1.13**n, 0.3 + 0.4 * ((n * 7) % 30) / 30) for n in range(30)]
    chart = charts.scatter(entries)
    assert chart is not None
    for point in chart.points:
        assert chart.left <= point.cx <= chart.right
        assert chart.top <= point.cy <= chart.bottom
    assert 2 <= len(chart.x_ticks) <= 8
    assert 2 <= len(chart.y_ticks) <= 8
    labels = [point.label for point in chart.points if point.label]
    assert len(labels) >= 10
    places = {(label.x, label.y) for label in labels}
    assert len(places) == len(labels)


@pytest.mark.parametrize("entries", [[], [entry("a", 0.1, 0.5)]])
def test_no_scatter_of_fewer_than_two(entries: list[charts.Entry]) -> None:
    assert charts.scatter(entries) is None


@pytest.mark.parametrize("y", [0.0, 1.0])
def test_a_scatter_of_equal_points(y: float) -> None:
    chart = charts.scatter([entry("a", 0.02, y), entry("b", 0.02, y)])
    assert chart is not None
    assert all(chart.top <= point.cy <= chart.bottom for point in chart.points)


# Contrast, by the formula of WCAG 2.2


def palettes() -> dict[str, dict[str, str]]:
    """Colour tokens of the light and the dark scheme; what dark leaves out is as in light."""
    light, dark = CSS.read_text().split("@media (prefers-color-scheme: dark)")
    read = [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", part)) for part in (light, dark)]
    return {"light": read[0], "dark": read[0] | read[1]}


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


TEXT = [
    *((ink, ground) for ink in ("ink", "muted", "accent", "bad", "good", "ours") for ground in ("paper", "card")),
    *((tone, f"{tone}-soft") for tone in ("good", "bad", "ours", "wait", "accent")),
    *(("ink", f"{tone}-soft") for tone in ("good", "bad", "ours", "wait", "accent")),
    ("muted", "accent-soft"),
    ("on-accent", "accent"),
    ("paper", "ink"),
    ("stone-ink", "stone"),
    ("stone-muted", "stone"),
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), TEXT)
def test_text_has_contrast(ink: str, ground: str, scheme: str) -> None:
    palette = palettes()[scheme]
    assert contrast(palette[ink], palette[ground]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("ground", ["paper", "card"])
def test_edges_of_controls_have_contrast(ground: str, scheme: str) -> None:
    assert contrast(palettes()[scheme]["edge"], palettes()[scheme][ground]) >= 3
