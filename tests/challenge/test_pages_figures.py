"""What the pages draw: bars, the scatter, the confusion matrix, units; and that colours have contrast."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import re
from pathlib import Path

import pytest

from challenge.presentation import axes, figures, limits_text, units
from challenge.presentation import history as histories
from challenge.presentation import scatter as charts
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


LATENCY = axes.MEASURES["latency"]


def entry(name: str, x: float, y: float) -> charts.Entry:
    return charts.Entry(name=name, detail="", link=f"#{name}", x=x, y=y)


def test_the_pareto_front() -> None:
    slow_good, fast_bad, middle = entry("a", 0.1, 0.7), entry("b", 0.01, 0.4), entry("c", 0.03, 0.6)
    beaten, equal = entry("d", 0.05, 0.55), entry("e", 0.1, 0.7)
    assert charts.pareto_front([slow_good, beaten, equal, fast_bad, middle]) == [fast_bad, middle, slow_good]


def test_the_scatter_stays_inside_its_frame_and_names_do_not_overlap() -> None:
    entries = [entry(f"team number {n}", 0.005 * 1.13**n, 0.3 + 0.4 * ((n * 7) % 30) / 30) for n in range(30)]
    chart = charts.scatter(entries, LATENCY)
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
    assert charts.scatter(entries, LATENCY) is None


@pytest.mark.parametrize("y", [0.0, 1.0])
def test_a_scatter_of_equal_points(y: float) -> None:
    chart = charts.scatter([entry("a", 0.02, y), entry("b", 0.02, y)], LATENCY)
    assert chart is not None
    assert all(chart.top <= point.cy <= chart.bottom for point in chart.points)


@pytest.mark.parametrize(
    ("name", "values", "texts"),
    [
        ("latency", (0.006, 0.127), ["5 ms", "10 ms", "20 ms", "50 ms", "100 ms", "200 ms"]),
        ("latency", (0.4, 3.0), ["200 ms", "500 ms", "1 s", "2 s", "5 s"]),
        ("memory", (96 * MIB, 512 * MIB), ["50 MiB", "100 MiB", "200 MiB", "500 MiB", "1000 MiB"]),
        ("parameters", (61_000, 478_131), ["0.05 M", "0.1 M", "0.2 M", "0.5 M"]),
        ("size", (1 * KIB, 16 * GIB), ["0.001 MiB", "0.01 MiB", "0.1 MiB", "1 MiB", "10 MiB", "100 MiB", "1000 MiB",
                                      "10000 MiB"]),
    ],
)  # fmt: skip
def test_ticks_are_in_the_unit_of_the_measure(name: str, values: tuple[float, float], texts: list[str]) -> None:
    chart = charts.scatter([entry("a", values[0], 0.5), entry("b", values[1], 0.6)], axes.MEASURES[name])
    assert chart is not None
    assert [tick.text for tick in chart.x_ticks] == texts


def test_what_was_not_measured_and_what_is_given_twice() -> None:
    twice, fast = entry("a", 0.1, 0.6), entry("b", 0.05, 0.5)
    chart = charts.scatter([twice, fast, twice, entry("c", 0.0, 0.9)], LATENCY)
    assert chart is not None
    assert sorted(point.entry.name for point in chart.points) == ["a", "b"]


def step(hours: float, miou: float) -> histories.Step:
    noon = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
    return histories.Step(name="a", detail="", link="", at=noon + dt.timedelta(hours=hours), miou=miou)


def test_the_history_climbs_in_steps_and_goes_on_to_the_end() -> None:
    chart = histories.history([step(0, 0.5), step(24, 0.4), step(48, 0.6)], step(96, 0).at)
    assert chart is not None
    assert [mark.cx for mark in chart.marks] == [chart.left, chart.left + 204.5, chart.left + 409]
    corners = [tuple(map(float, corner.split(","))) for corner in chart.line.split()]
    low, high = chart.marks[0].cy, chart.marks[2].cy
    middle = chart.left + 409
    assert corners == [(chart.left, low), (middle, low), (middle, high), (chart.right, high)]
    assert low > chart.marks[2].cy


@pytest.mark.parametrize("days", [0.001, 0.4, 3, 12, 90, 800, 5000])
def test_a_history_of_any_length_has_few_ticks_inside_its_frame(days: float) -> None:
    chart = histories.history([step(0, 0.5), step(24 * days, 0.6)], step(24 * days, 0).at)
    assert chart is not None
    assert 1 <= len(chart.x_ticks) <= 8
    assert all(chart.left <= tick.at <= chart.right for tick in chart.x_ticks)
    assert len({tick.text for tick in chart.x_ticks}) == len(chart.x_ticks)


@pytest.mark.parametrize("steps", [[], [step(0, 0.5)]])
def test_no_history_of_fewer_than_two(steps: list[histories.Step]) -> None:
    assert histories.history(steps, step(1, 0).at) is None


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
