"""The resource curve keeps its shape in a bounded number of points."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from sandbox.curve import MOST_POINTS, Curve, Sample


def _curve(*samples: Sample) -> tuple[Sample, ...]:
    curve = Curve()
    for sample in samples:
        curve.add(sample)
    return curve.points()


def test_a_short_run_keeps_every_sample() -> None:
    samples = [Sample(i * 0.05, i * 0.04, i, i // 10) for i in range(MOST_POINTS)]
    assert _curve(*samples) == tuple(samples)


@given(st.integers(MOST_POINTS + 1, 5000), st.integers(0, 4999))
def test_a_long_one_keeps_its_ends_its_order_and_its_peak(count: int, peak: int) -> None:
    samples = [Sample(i * 0.05, i * 0.04, 999 if i == peak else 5, i // 10) for i in range(count)]
    points = _curve(*samples)
    assert MOST_POINTS / 3 < len(points) <= MOST_POINTS
    assert points[0] == samples[0]
    assert points[-1].seconds == samples[-1].seconds
    assert points[-1].images_done == samples[-1].images_done
    assert all(one.seconds < other.seconds for one, other in itertools.pairwise(points))
    assert max(point.memory_bytes or 0 for point in points) == (999 if peak < count else 5)


def test_a_long_run_has_its_points_evenly() -> None:
    points = _curve(*(Sample(i * 0.05, None, None, 0) for i in range(40_000)))
    steps = [other.seconds - one.seconds for one, other in itertools.pairwise(points)]
    assert max(steps[:-1]) <= 4 * min(steps[:-1])
    assert points[-1].memory_bytes is None
