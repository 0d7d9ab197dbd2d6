"""The scorer against the rule: bit by bit the same as a slow implementation that knows nothing of it."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from evaluator import label_maps
from evaluator.metrics import CLASS_NAMES, confusion_matrix, scores
from tests.evaluator import official
from tests.evaluator.pictures import NATIVE, SCORE, labels, png

Labels = npt.NDArray[np.uint8]
VALUES = st.sampled_from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 127, 128, 200, 254, 255])
SHAPES = st.tuples(st.integers(1, 12), st.integers(1, 12))
PAIRS = SHAPES.flatmap(
    lambda shape: st.tuples(arrays(np.uint8, shape, elements=VALUES), arrays(np.uint8, shape, elements=VALUES))
)


def same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


@given(PAIRS)
@example((np.zeros((1, 1), np.uint8), np.full((1, 1), 255, np.uint8)))
def test_the_confusion_matrix_is_the_rules(pair: tuple[Labels, Labels]) -> None:
    truth, prediction = pair
    found = confusion_matrix(truth, prediction)
    assert found.dtype == np.int64
    assert found.tolist() == official.confusion(truth.tolist(), prediction.tolist())
    assert found.sum() == truth.size


@given(st.lists(PAIRS, min_size=1, max_size=5))
def test_the_scores_are_the_rules_to_the_last_bit(pairs: list[tuple[Labels, Labels]]) -> None:
    matrices = [official.confusion(truth.tolist(), prediction.tolist()) for truth, prediction in pairs]
    whole = official.total(matrices)
    found = scores([confusion_matrix(truth, prediction) for truth, prediction in pairs])
    assert found.confusion.tolist() == whole
    assert found.images == len(pairs)
    assert all(same(found.iou[name], iou) for name, iou in zip(CLASS_NAMES, official.ious(whole), strict=True))
    assert math.isclose(found.miou, official.miou(whole), rel_tol=1e-15) or same(found.miou, official.miou(whole))


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 10_000), st.sampled_from([NATIVE, SCORE]), st.sampled_from([7, 10, 256]))
def test_from_files_to_matrix_it_is_the_rules(one: int, two: int, size: tuple[int, int], high: int) -> None:
    """Resized by nearest neighbour as PIL does it, which the slow implementation works out by itself."""
    truth, prediction = labels(NATIVE, one, high), labels(size, two, high)
    found = confusion_matrix(label_maps.decode(png(truth)), label_maps.decode(png(prediction)))
    small = [official.at_score_size(picture.tolist()) for picture in (truth, prediction)]
    assert found.tolist() == official.confusion(*small)


def test_the_resize_is_pillows_own_and_done_once() -> None:
    picture = Image.fromarray(labels())
    wanted = np.asarray(picture.resize((256, 128), Image.Resampling.NEAREST))
    assert (label_maps.decode(png(picture)) == wanted).all()
    assert (label_maps.decode(png(wanted)) == wanted).all()
    assert official.at_score_size(labels().tolist()) == wanted.tolist()


@given(PAIRS)
def test_perfect_is_one_and_swapping_images_changes_nothing(pair: tuple[Labels, Labels]) -> None:
    truth, prediction = pair
    perfect = scores([confusion_matrix(truth, truth)])
    for value, name in enumerate(CLASS_NAMES):
        assert same(perfect.iou[name], 1.0 if (truth == value).any() else math.nan)
    one, two = confusion_matrix(truth, prediction), confusion_matrix(prediction, truth)
    assert scores([one, two]).as_dict() == scores([two, one]).as_dict()


def matrix(*cells: tuple[int, int, int]) -> npt.NDArray[np.int64]:
    """Ten pixels of each class right, and these cells (truth, prediction, pixels) besides."""
    found = np.diag([10] * 7 + [0]).astype(np.int64)
    for row, column, pixels in cells:
        found[row, column] += pixels
    return found


@pytest.mark.parametrize(
    ("cells", "iou"),
    [
        ([], {}),
        ([(0, 1, 10)], {"drivable": 10 / 20, "non-drivable": 10 / 20}),
        # Predicting "no class" on a labelled pixel is a miss.
        ([(0, 7, 10)], {"drivable": 10 / 20}),
        # A pixel whose truth is to be ignored is nobody's false positive.
        ([(7, 0, 10)], {}),
        ([(7, 7, 10)], {}),
        ([(0, 7, 30), (7, 0, 999)], {"drivable": 10 / 40}),
    ],
)
def test_no_class_is_a_miss_in_a_prediction_and_ignored_in_the_truth(
    cells: list[tuple[int, int, int]], iou: dict[str, float]
) -> None:
    found = scores([matrix(*cells)])
    assert found.iou == dict.fromkeys(CLASS_NAMES, 1.0) | iou
    assert found.miou == pytest.approx(sum(found.iou.values()) / 7)


@pytest.mark.parametrize("value", [7, 8, 9, 64, 128, 254, 255])
def test_every_value_from_seven_up_is_no_class(value: int) -> None:
    truth, strange = np.zeros((4, 4), np.uint8), np.full((4, 4), value, np.uint8)
    assert confusion_matrix(truth, strange)[0, 7] == 16
    assert confusion_matrix(strange, truth)[7, 0] == 16
    assert confusion_matrix(strange, strange)[7, 7] == 16


def test_the_accuracies_leave_ignored_pixels_out() -> None:
    found = scores([matrix((0, 1, 10), (7, 3, 1000))])
    assert found.pixel_accuracy == 70 / 80
    assert found.mean_pixel_accuracy == pytest.approx((0.5 + 6) / 7)


def test_an_empty_class_leaves_no_mean() -> None:
    found = scores([np.diag([10, 10, 0, 10, 10, 10, 10, 5])])
    assert math.isnan(found.iou["living-things"])
    assert math.isnan(found.miou)
    said = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert said["miou"] is None
    assert said["iou"]["living-things"] is None
    assert said["iou"]["sky"] == 1.0


def test_a_class_that_is_only_predicted_scores_nothing() -> None:
    only_predicted = matrix((0, 2, 5))
    only_predicted[2, 2] = 0
    assert scores([only_predicted]).iou["living-things"] == 0.0


def test_it_is_not_the_mean_over_eight_rows() -> None:
    """The trap: the official script first prints a mean that counts ignore as a class."""
    assert scores([matrix((7, 0, 100))]).miou == 1.0


@pytest.mark.parametrize("shapes", [((2, 3), (3, 2)), ((1, 6), (6, 1)), ((2, 3), (2, 3, 1))])
def test_pictures_of_different_shape_are_not_compared(shapes: tuple[Any, Any]) -> None:
    with pytest.raises(ValueError, match=r"truth is .* prediction is"):
        confusion_matrix(np.zeros(shapes[0], np.uint8), np.zeros(shapes[1], np.uint8))


def test_counts_beyond_32_bits_are_kept() -> None:
    huge = np.full((8, 8), 3_000_000_000, dtype=np.int64)
    assert scores([huge, huge]).confusion[0, 0] == 6_000_000_000
