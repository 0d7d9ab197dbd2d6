"""Intervals of mIoU, and ties: by the rule of the score, repeatable, and right as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator import intervals
from evaluator.intervals import Counts
from evaluator.metrics import scores
from tests.matrices import matrices


def counts(*skills: float) -> Counts:
    """Of images of which so much of each class is right."""
    return intervals.counts(matrices(*skills))


def drawn(rng: np.random.Generator, images: int, shift: float = 0.0) -> Counts:
    """Images of a made-up street: classes of very different size, some rare, all of one image good or bad together."""
    ease = rng.normal(0, 1, (images, 1))
    pixels = rng.gamma(2.0, np.array([1000, 80, 50, 280, 400, 800, 650]), (images, 7)) * (
        rng.random((images, 7)) < 0.95
    )
    skill = 1 / (
        1 + np.exp(-(np.array([3, 0.5, 0, 2, 1, 2, 3]) + shift + 0.5 * ease + rng.normal(0, 0.7, (images, 7))))
    )
    hits = (pixels * skill).astype(np.int64)
    wrong = pixels.astype(np.int64) - hits
    return np.stack([hits, np.roll(wrong, 1, axis=1), wrong], axis=2).astype(np.int32)


def miou(of: Counts) -> float:
    total = of.sum(axis=0, dtype=np.int64)
    return float((total[:, 0] / total.sum(axis=1)).mean())


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=4))
def test_the_counts_are_those_of_the_score(seeds: list[int]) -> None:
    stack = [np.random.default_rng(seed).integers(0, 50, (8, 8)) for seed in seeds]
    total = intervals.counts(stack).sum(axis=0)
    iou = total[:, 0] / total.sum(axis=1)
    assert iou.tolist() == list(scores(stack).iou.values())


@pytest.mark.parametrize(
    ("skills", "low", "high"),
    [
        ((0.5, 0.5, 0.5, 0.5), 0.5, 0.5),
        ((1.0, 1.0), 1.0, 1.0),
        ((0.0, 0.0, 0.0), 0.0, 0.0),
        # Of two unlike images a draw has the one twice, both, or the other twice.
        ((0.2, 0.8), 0.2, 0.8),
    ],
)
def test_the_interval_of(skills: tuple[float, ...], low: float, high: float) -> None:
    found = intervals.interval(counts(*skills))
    assert found is not None
    assert (found.low, found.high) == pytest.approx((low, high))


def test_one_image_says_nothing() -> None:
    assert intervals.interval(counts(0.5)) is None
    assert intervals.difference(counts(0.5), counts(0.9)) is None
    assert intervals.is_tie(counts(0.5), counts(0.9))


def test_the_same_counts_give_the_same_interval_and_it_is_around_the_score() -> None:
    of = drawn(np.random.default_rng(3), 204)
    first, second = intervals.interval(of), intervals.interval(of.copy())
    assert first == second
    assert first is not None
    assert miou(of) in first
    assert 0.005 < first.high - first.low < 0.1


ALTERNATING = (0.2, 0.8) * 30


@pytest.mark.parametrize(
    ("one", "other", "tie"),
    [
        (ALTERNATING, ALTERNATING, True),
        # A whole point better on each image: the images differ by far more than that, but by the same for both.
        (ALTERNATING, tuple(skill + 0.01 for skill in ALTERNATING), False),
        # Better on half of them, and worse by as much on the others.
        (ALTERNATING, (0.3, 0.7) * 30, True),
        ((0.5,) * 60, (0.51,) * 60, False),
        ((0.5,) * 60, (0.5,) * 59 + (0.6,), True),
    ],
)
def test_ties(one: tuple[float, ...], other: tuple[float, ...], tie: bool) -> None:
    assert intervals.is_tie(counts(*one), counts(*other)) is tie
    assert intervals.is_tie(counts(*other), counts(*one)) is tie


def test_the_difference_has_a_sign() -> None:
    found = intervals.difference(counts(*ALTERNATING), counts(*[skill + 0.01 for skill in ALTERNATING]))
    assert found is not None
    assert found.low < found.high < 0


def test_different_images_are_not_compared() -> None:
    with pytest.raises(ValueError, match="one is of 2 images, the other of 3"):
        intervals.difference(counts(0.5, 0.5), counts(0.5, 0.5, 0.5))


def test_a_class_that_a_draw_lacks_is_left_out_of_its_mean() -> None:
    of = counts(*[0.5] * 40)
    of[1:, 6] = 0  # Sky on one image only, which a third of the draws lack.
    found = intervals.interval(of)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((0.5, 0.5))


@pytest.mark.parametrize(("images", "draws"), [(2, 2000), (204, 2000), (2000, 2000), (10_000, 400), (20_000, 200)])
def test_work_has_a_ceiling(images: int, draws: int) -> None:
    assert len(intervals.resampled(np.ones((images, 7, 3), np.int32))) == draws


@settings(max_examples=20)
@given(st.integers(1, 50), st.integers(0, 2**32 - 1))
def test_packed_counts_come_back(images: int, seed: int) -> None:
    of = np.random.default_rng(seed).integers(0, 2**31 - 1, (images, 7, 3), dtype=np.int32)
    assert (intervals.unpack(intervals.pack(of)) == of).all()
    with pytest.raises(ValueError, match="no packed counts"):
        intervals.unpack(b"something else")


@pytest.mark.parametrize("images", [50, 204])
def test_the_interval_holds_the_truth_about_95_times_in_a_hundred(images: int) -> None:
    rng = np.random.default_rng(images)
    truth = miou(drawn(rng, 100_000))
    held = sum(truth in intervals.interval(drawn(rng, images)) for _ in range(300))  # type: ignore[operator]
    assert 0.91 <= held / 300 <= 0.985, f"{held} of 300"


def test_equals_are_ties_about_95_times_in_a_hundred_and_others_are_told_apart() -> None:
    rng = np.random.default_rng(5)
    ties = sum(intervals.is_tie(drawn(rng, 100), drawn(rng, 100)) for _ in range(200))
    assert 0.90 <= ties / 200 <= 0.99, f"{ties} of 200"
    assert not any(intervals.is_tie(drawn(rng, 100), drawn(rng, 100, shift=1.0)) for _ in range(50))
