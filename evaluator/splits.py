"""Which images of a data set are public and which are private: pure numpy.

Decided by a seed and the number of each image in the data set, by SHA-256 and not by a random generator, whose draws
may differ between versions: the same images stay public as long as there are scores. Not by the order in which they
were asked, nor by what was answered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from evaluator.metrics import CLASS_NAMES

Presence = npt.NDArray[np.bool_]
Part = npt.NDArray[np.bool_]

MOST_EXCHANGES = 50
"""Enough for seven classes on two sides, each exchange mending one of them."""


class SplitError(ValueError):
    """This data set can't be split so; the message says why, and what to choose."""


def presence(confusions: npt.ArrayLike) -> Presence:
    """bool[N, 7]: which classes the truth of each image has, from its confusion matrix (int64[N, 8, 8])."""
    stack = np.asarray(confusions).reshape(-1, 8, 8)
    return np.asarray(stack[:, :7].sum(axis=2) > 0)


def unpack(packed: bytes) -> Presence:
    """The same from what `Dataset.presence` gave: a byte an image, bit n for class n."""
    bits = np.frombuffer(packed, dtype=np.uint8)[:, None] >> np.arange(7)
    return (bits & 1).astype(bool)


def public_images(has: Presence, share: int, seed: int) -> Part:
    """Which images are public.

    Args:
        has: bool[N, 7], which classes occur in each image.
        share: how many of the images are to be public, in percent, 1 to 99.
        seed: secret: who knows it knows the split.

    Returns:
        bool[N]. At least one image is on each side, and each class occurs on both.

    Raises:
        SplitError: there is no such split, or none of this size was found.
    """
    images = len(has)
    if not 1 <= share <= 99:
        raise SplitError(f"The public share is {share} %; for a split it has to lie between 1 and 99 %.")
    if images < 2:
        raise SplitError("A split needs at least two images.")
    alone = [name for name, count in zip(CLASS_NAMES, has.sum(axis=0), strict=True) if count < 2]
    if alone:
        raise SplitError(
            f"Only one image of the data set, or none, has the class {' and '.join(alone)}, so that the public and the "
            "private part can't both be scored. Leave the public share at 100 %."
        )
    order = sorted(range(images), key=lambda image: hashlib.sha256(f"{seed}:{image}".encode()).digest())
    count = min(max(round(images * share / 100), 1), images - 1)
    public = np.zeros(images, dtype=bool)
    public[order[:count]] = True
    for _ in range(MOST_EXCHANGES):
        if not (missing := _missing(has, public)):
            return public
        if not _exchange(has, public, order):
            break
    side, label = missing[0]
    raise SplitError(
        f"With {share} % public there are {count} public and {images - count} private images, and the "
        f"{'public' if side else 'private'} ones can't be chosen so that the class {CLASS_NAMES[label]} is among them. "
        f"Choose a {'larger' if side else 'smaller'} public share."
    )


def _missing(has: Presence, public: Part) -> list[tuple[bool, int]]:
    """(is it the public side, class) of what a side lacks."""
    return [(side, int(label)) for side in (True, False) for label in np.flatnonzero(~has[public == side].any(axis=0))]


def _exchange(has: Presence, public: Part, order: list[int]) -> bool:
    """Exchanges the first two images, one of each side, after which less is missing. False: there are none."""
    before = len(_missing(has, public))
    for one, other in _kinds(has, public, order):
        public[[one, other]] = False, True
        if len(_missing(has, public)) < before:
            return True
        public[[one, other]] = True, False
    return False


def _kinds(has: Presence, public: Part, order: list[int]) -> Iterator[tuple[int, int]]:
    """Pairs of a public and a private image, one pair for each two sets of classes: others would do the same."""
    firsts: dict[tuple[bool, bytes], int] = {}
    for image in order:
        firsts.setdefault((bool(public[image]), has[image].tobytes()), image)
    for (one_is_public, _), one in firsts.items():
        for (other_is_public, _), other in firsts.items():
            if one_is_public and not other_is_public:
                yield one, other
