"""Segmentation metrics by the official IDD-lite rule: pure numpy.

Source of the rule: AutoNUE `idd_lite_evaluate_mIoU.py` (docs/scoring.md), function `eval_ious`, whose last printed
lines are the challenge's score. Definitions of the accuracies: thesis Eq. 2.1, 2.2; of mIoU: Eq. 2.4.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluator import intervals
from evaluator.intervals import Interval

CLASS_NAMES: tuple[str, ...] = (
    "drivable",
    "non-drivable",
    "living-things",
    "vehicles",
    "road-side-objs",
    "far-objects",
    "sky",
)
"""The seven scored classes of IDD-lite, by label value."""

NO_CLASS = 7
"""Label values from here up (and 255) are "no class": ignored in the truth, a miss in a prediction."""

SCORE_SIZE = (256, 128)
"""Width and height at which truth and prediction are compared."""

LabelMap = npt.NDArray[np.uint8]
Confusion = npt.NDArray[np.int64]


def confusion_matrix(truth: LabelMap, prediction: LabelMap) -> Confusion:
    """Confusion matrix of one image, rows truth, columns prediction.

    Args:
        truth, prediction: uint8[H, W], any values; those above 7 count as 7.

    Returns:
        int64[8, 8]; sums to H * W.

    Raises:
        ValueError: the shapes differ.
    """
    if truth.shape != prediction.shape:
        raise ValueError(f"truth is {truth.shape}, prediction is {prediction.shape}")
    side = NO_CLASS + 1
    pairs = np.minimum(truth, NO_CLASS)
    pairs *= side
    pairs += np.minimum(prediction, NO_CLASS)
    return np.bincount(pairs.ravel(), minlength=side * side).reshape(side, side).astype(np.int64)


@dataclasses.dataclass(frozen=True, slots=True)
class Scores:
    """Scores over a data set, as fractions of 1.

    Attributes:
        miou: unweighted mean of the seven IoUs; NaN if a class is empty.
        iou: by class name; NaN where truth and prediction both lack the class.
        pixel_accuracy: Eq. 2.1, over labelled pixels.
        mean_pixel_accuracy: Eq. 2.2, mean over classes of the recall.
        confusion: int64[8, 8], rows truth, columns prediction, summed over images.
        images: number of images.
        by_image: int64[N, 8, 8], the same of each image, in the order they were given.
    """

    miou: float
    iou: dict[str, float]
    pixel_accuracy: float
    mean_pixel_accuracy: float
    confusion: Confusion
    images: int
    by_image: Confusion

    @property
    def interval(self) -> Interval | None:
        """The 95 % interval of mIoU, by bootstrap over images. Worked out at each call, in some 10 ms."""
        return intervals.interval(intervals.counts(self.by_image))

    def of(self, images: npt.NDArray[np.bool_]) -> Scores:
        """The scores over some of the images: bool[N]."""
        return scores(self.by_image[images])

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values; NaN becomes None, since JSON has no NaN."""
        interval = self.interval
        return {
            "miou": _finite(self.miou),
            "miou_low": interval.low if interval else None,
            "miou_high": interval.high if interval else None,
            "iou": {name: _finite(value) for name, value in self.iou.items()},
            "pixel_accuracy": _finite(self.pixel_accuracy),
            "mean_pixel_accuracy": _finite(self.mean_pixel_accuracy),
            "confusion": self.confusion.tolist(),
            "images": self.images,
        }


def scores(confusions: Sequence[Confusion] | Confusion) -> Scores:
    """Scores from one confusion matrix an image (int64[N, 8, 8] or a sequence of int64[8, 8]).

    IoU of class l = TP / (TP + FP + FN), where FN counts every other prediction on l's pixels, "no class" included,
    and FP counts only pixels whose truth is one of the seven classes.
    """
    stack = np.asarray(confusions, dtype=np.int64).reshape(-1, NO_CLASS + 1, NO_CLASS + 1)
    total: Confusion = stack.sum(axis=0)
    hits = np.diag(total)[:NO_CLASS].astype(np.float64)
    labelled = total[:NO_CLASS].sum(axis=1).astype(np.float64)  # TP + FN
    claimed = total[:NO_CLASS, :NO_CLASS].sum(axis=0).astype(np.float64)  # TP + FP
    with np.errstate(invalid="ignore", divide="ignore"):
        iou = hits / (labelled + claimed - hits)
        recall = hits / labelled
        accuracy = hits.sum() / labelled.sum()
    return Scores(
        miou=float(iou.mean()),
        iou=dict(zip(CLASS_NAMES, iou.tolist(), strict=True)),
        pixel_accuracy=float(accuracy),
        mean_pixel_accuracy=float(recall.mean()),
        confusion=total,
        images=len(stack),
        by_image=stack,
    )


def _finite(value: float) -> float | None:
    return None if math.isnan(value) else value
