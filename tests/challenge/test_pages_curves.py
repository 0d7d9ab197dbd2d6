"""What a report draws of a run over time, and of each image's latency."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from challenge.presentation import curves
from sandbox import Limits
from sandbox.limits import GIB, MIB


def samples(count: int = 40, **last: Any) -> list[dict[str, Any]]:
    """A run of `count` samples, ten a second, on one busy core, with memory that grows by 1 MiB each."""
    made = [
        {"seconds": n / 10, "cpu_seconds": n / 10, "memory_bytes": (100 + n) * MIB, "images_done": n // 10}
        for n in range(count)
    ]
    made[-1] |= last
    return made


def heights(line: str) -> list[float]:
    return [float(pair.split(",")[1]) for pair in line.split()]


def test_three_panels_in_their_frames() -> None:
    curve = curves.resource_curve(samples(), Limits(), total=4)
    assert curve is not None
    assert [panel.title for panel in curve.panels] == ["Memory", "Processor", "Answers"]
    for panel in curve.panels:
        for pair in panel.line.split():
            x, y = map(float, pair.split(","))
            assert panel.frame.left <= x <= panel.frame.right
            assert panel.frame.top <= y <= panel.frame.bottom
    memory, processor, answers = curve.panels
    assert memory.summary == "peak 139 MiB of 1 GiB"
    assert processor.summary == "1.00 cores on average, of 1"
    assert answers.summary == "3 of 4 images"
    assert [tick.text for tick in memory.y_ticks] == ["0 B", "96.0 MiB", "192 MiB"]


@pytest.mark.parametrize(("peak", "is_drawn"), [(100, False), (511, False), (512, True), (1024, True)])
def test_a_limit_is_drawn_where_the_run_came_near_it(peak: int, is_drawn: bool) -> None:
    found = curves.resource_curve(samples(4, memory_bytes=peak * MIB), Limits(memory_bytes=GIB), total=4)
    assert found is not None
    memory = found.panels[0]
    if not is_drawn:
        assert memory.limit is None
    else:
        assert memory.limit is not None
        assert memory.limit <= min(heights(memory.line)), "the limit is at or above the peak"


def test_cores_busy_is_an_average_over_stretches() -> None:
    """Between two samples the quota lets all of a period's CPU time through at once."""
    bursts = [{"seconds": n / 100, "cpu_seconds": 0.1 * (n // 10), "images_done": 0} for n in range(601)]
    found = curves.cores_busy(bursts)
    assert len(found) <= curves.WINDOWS + 1
    assert all(0.7 < busy < 1.3 for _, busy in found)


@pytest.mark.parametrize(
    "given",
    [
        [],
        samples(2),
        [{"seconds": 0, "cpu_seconds": None, "memory_bytes": None, "images_done": 0}] * 5,
    ],
)
def test_too_little_is_not_drawn(given: list[dict[str, Any]]) -> None:
    assert curves.resource_curve(given, Limits(), total=4) is None


def test_what_was_not_measured_has_no_panel() -> None:
    blind = [{**sample, "cpu_seconds": None, "memory_bytes": None} for sample in samples()]
    curve = curves.resource_curve(blind, Limits(), total=4)
    assert curve is not None
    assert [panel.title for panel in curve.panels] == ["Answers"]
    assert curve.rows[-1].cpu == "–"


def test_the_table_is_short_and_ends_at_the_end() -> None:
    curve = curves.resource_curve(samples(240), Limits(), total=30)
    assert curve is not None
    assert len(curve.rows) == curves.TABLE_ROWS
    assert (curve.rows[-1].seconds, curve.rows[-1].images) == ("23.9 s", 23)


@pytest.mark.parametrize(("images", "bars", "per_bar"), [(3, 3, 1), (204, 204, 1), (240, 240, 1), (20_000, 239, 84)])
def test_latency_has_a_bar_an_image_until_there_are_too_many(images: int, bars: int, per_bar: int) -> None:
    latencies = [0.01 + 0.001 * (n % 7) for n in range(images)]
    latencies[images // 2] = 0.5
    chart = curves.latency_chart(latencies, Limits(image_seconds=10))
    assert chart is not None
    tops = [float(bar.split("V")[1]) for bar in chart.bars.split("M")[1:]]
    assert (len(tops), chart.per_bar) == (bars, per_bar)
    assert min(tops) == chart.frame.top, "the slowest image is seen, also among many"
    assert f"slowest 500 ms, image {images // 2 + 1} of {images}" in chart.summary
    assert chart.limit is None
    assert len(chart.rows) <= curves.TABLE_ROWS
    assert [row.first for row in chart.rows[1:]] == [row.last + 1 for row in chart.rows[:-1]]
    assert chart.rows[-1].last == images


def test_a_latency_limit_that_was_near_is_drawn() -> None:
    chart = curves.latency_chart([0.3, 0.9, 0.4], Limits(image_seconds=1))
    assert chart is not None
    assert chart.limit == chart.frame.top


@pytest.mark.parametrize("latencies", [[], [0.1], [0.1, 0.2]])
def test_no_chart_of_few_latencies(latencies: list[float]) -> None:
    assert curves.latency_chart(latencies, Limits()) is None


@pytest.mark.parametrize("most", [1e-7, 0.0312, 0.9, 1.0, 1.01, 7, 99, 4e5])
def test_scales_end_at_round_numbers_near_the_most(most: float) -> None:
    assert most * 0.999 <= curves._decimal_top(most) <= most * 2.5


def test_medians_and_percentiles_lie_where_they_belong() -> None:
    chart = curves.latency_chart([n / 100 for n in range(1, 101)], Limits())
    assert chart is not None
    places = (chart.frame.bottom, chart.median, chart.p90, chart.frame.top)
    assert all(lower > upper for lower, upper in itertools.pairwise(places))
