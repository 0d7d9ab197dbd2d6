"""How sure a score is: bootstrap over images, pure numpy.

A data set is a sample of all the scenes there are. Drawing as many images from it again, with repetition, some thousand
times shows how far mIoU would have varied with another sample (B. Efron and R. J. Tibshirani, An Introduction to the
Bootstrap, 1993, chapters 6 and 13). The draws have a fixed seed and are the same for every submission, so that two of
them are compared on the same images (paired), and that the same counts always give the same interval.

Counts are int32[N, 7, 3]: true positives, false positives and false negatives, by image and class.
"""

from __future__ import annotations

import dataclasses
import functools
import zlib

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int32]
Draws = npt.NDArray[np.float64]

CLASSES, KINDS = 7, 3

RESAMPLES = 2_000
MOST_CELLS = 4_000_000
"""Resamples times images: of more than 2,000 images fewer resamples are drawn, at least FEWEST."""
FEWEST = 200

LEVEL = 0.95
_SEED = 20_190_825


@dataclasses.dataclass(frozen=True, slots=True)
class Interval:
    """From `low` to `high`; fractions of 1."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


def counts(confusions: npt.ArrayLike) -> Counts:
    """Counts of confusion matrices int64[N, 8, 8] (rows truth, columns prediction), by the rule of the score."""
    stack = np.asarray(confusions, dtype=np.int64).reshape(-1, CLASSES + 1, CLASSES + 1)
    hits = np.diagonal(stack, axis1=1, axis2=2)[:, :CLASSES]
    labelled = stack[:, :CLASSES].sum(axis=2)
    claimed = stack[:, :CLASSES, :CLASSES].sum(axis=1)
    return np.stack([hits, claimed - hits, labelled - hits], axis=2).astype(np.int32)


def resampled(of: Counts) -> Draws:
    """mIoU of each resample: float64[B]. The same place is the same draw for all counts of as many images.

    A class that a draw lacks, in truth and prediction, is left out of its mean.
    """
    images = len(of)
    flat = of.reshape(images, CLASSES * KINDS).astype(np.float64)
    times = _times_drawn(images)
    found = np.empty(len(times))
    step = max(1, MOST_CELLS // (8 * images))
    for start in range(0, len(times), step):
        totals = (times[start : start + step].astype(np.float64) @ flat).reshape(-1, CLASSES, KINDS)
        union = totals.sum(axis=2)
        iou = np.divide(totals[:, :, 0], union, out=np.zeros_like(union), where=union > 0)
        found[start : start + step] = iou.sum(axis=1) / np.maximum(1, (union > 0).sum(axis=1))
    return found


def interval(of: Counts) -> Interval | None:
    """The 95 % interval of mIoU. None with fewer than two images: one says nothing of how others would differ."""
    return _middle(resampled(of)) if len(of) > 1 else None


def difference(one: Counts, other: Counts) -> Interval | None:
    """The 95 % interval of the first mIoU less the second, on the same images. None with fewer than two.

    Raises:
        ValueError: they are of different numbers of images.
    """
    if len(one) != len(other):
        raise ValueError(f"one is of {len(one)} images, the other of {len(other)}: not the same")
    return _middle(resampled(one) - resampled(other)) if len(one) > 1 else None


def is_tie(one: Counts, other: Counts) -> bool:
    """True if the images can't tell which of the two is better: the interval of the difference has 0 in it."""
    between = difference(one, other)
    return between is None or 0.0 in between


def draws_tie(one: Draws, other: Draws) -> bool:
    """The same of what `resampled` gave for each: for comparing one with many."""
    return 0.0 in _middle(one - other)


def pack(of: Counts) -> bytes:
    """Counts as few bytes; `unpack` reads them back."""
    return zlib.compress(of.astype("<i4").tobytes(), 6)


def unpack(packed: bytes) -> Counts:
    """Raises ValueError for what `pack` did not make."""
    try:
        return np.frombuffer(zlib.decompress(packed), "<i4").reshape(-1, CLASSES, KINDS).astype(np.int32)
    except zlib.error as error:
        raise ValueError(f"these are no packed counts ({error})") from error


def _middle(draws: Draws) -> Interval:
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))


@functools.lru_cache(maxsize=4)
def _times_drawn(images: int) -> npt.NDArray[np.uint16]:
    """uint16[B, N]: how often each draw has each image."""
    draws = int(np.clip(MOST_CELLS // images, FEWEST, RESAMPLES))
    rng = np.random.default_rng(_SEED)
    times = np.empty((draws, images), dtype=np.uint16)
    for row in times:
        row[:] = np.bincount(rng.integers(0, images, images), minlength=images)
    times.flags.writeable = False
    return times
