"""Which images are public: repeatable, as many as were asked for, every class on both sides, or a plain refusal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator.datasets import Dataset
from evaluator.metrics import confusion_matrix
from evaluator.splits import Presence, SplitError, presence, public_images, unpack
from tests.matrices import matrices


def has(*images: str) -> Presence:
    """One text an image: `0123456` for all classes."""
    return np.array([[str(label) in image for label in range(7)] for image in images])


ALL = "0123456"


@settings(max_examples=200, deadline=None)
@given(st.integers(2, 60), st.integers(1, 99), st.integers(0, 2**63 - 1), st.integers(0, 2**32 - 1))
def test_both_sides_have_an_image_and_every_class_or_it_is_refused(
    images: int, share: int, seed: int, draw: int
) -> None:
    where = np.random.default_rng(draw).random((images, 7)) < 0.4
    try:
        public = public_images(where, share, seed)
    except SplitError:
        return
    assert public.shape == (images,)
    assert public.sum() == min(max(round(images * share / 100), 1), images - 1)
    assert where[public].any(axis=0).all()
    assert where[~public].any(axis=0).all()
    assert (public_images(where.copy(), share, seed) == public).all()


def test_a_rare_class_is_brought_to_both_sides() -> None:
    where = has(*["012345"] * 200, ALL, ALL)
    for seed in range(50):
        assert public_images(where, 50, seed)[200:].sum() == 1


def test_every_image_comes_to_be_public_under_some_seed_and_not_under_others() -> None:
    where = has(*[ALL] * 30)
    often = sum(public_images(where, 40, seed).astype(int) for seed in range(300))
    assert ((often > 80) & (often < 160)).all()


def test_the_split_stays_what_it_was() -> None:
    """Scores already published are of these images: another outcome would compare them with scores of others."""
    public = public_images(has(*[ALL] * 16), 50, seed=20_260_101)
    assert np.flatnonzero(public).tolist() == [3, 5, 6, 7, 8, 9, 10, 15]


@pytest.mark.parametrize(
    ("where", "share", "words"),
    [
        (has(ALL), 50, "at least two images"),
        (has(ALL, ALL), 0, "between 1 and 99"),
        (has(ALL, ALL), 100, "between 1 and 99"),
        (has(*["012345"] * 9, ALL), 50, "has the class sky, so that"),
        (has(*["012345"] * 10), 50, "has the class sky, so that"),
        # One public image would have to show all seven classes.
        (has(*["0123", "3456", "0246"] * 5), 1, "Choose a larger public share"),
        (has(*["0123", "3456", "0246"] * 5), 99, "Choose a smaller public share"),
    ],
)
def test_refused(where: Presence, share: int, words: str) -> None:
    with pytest.raises(SplitError, match=words):
        public_images(where, share, seed=1)


def test_presence_is_that_of_the_truth() -> None:
    one = np.zeros((2, 8, 8), dtype=np.int64)
    one[0, 3, 7] = 5  # Vehicles, answered with "no class".
    one[1, 7, 2] = 9  # Nothing labelled, answered with living things.
    assert presence(one).tolist() == has("3", "").tolist()
    assert presence(matrices(0.0, 1.0)).all()


def test_what_a_data_set_notes_is_what_its_scores_tell(scenes: Path) -> None:
    dataset = Dataset.open(scenes, "val")
    told = presence([confusion_matrix(dataset.truth(index), dataset.truth(index)) for index in range(len(dataset))])
    assert (unpack(dataset.presence()) == told).all()
