"""Answers kept as a zip that we encode: scored again it gives the same score, and it has a ceiling."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from evaluator import label_maps
from evaluator.datasets import Dataset
from evaluator.keeping import Keeper, NotKept
from evaluator.offline import evaluate_predictions
from evaluator.predictions import labels_of
from sandbox import Limits
from tests.evaluator.pictures import SCORE, labels, png
from tests.sandbox.zips import plain_zip


def kept(val: Dataset, folder: Path, high: int = 7) -> bytes:
    """The zip that is kept of a zip of random label maps at native size."""
    answers = [(name, png(labels(seed=seed, high=high))) for seed, name in enumerate(labels_of(val))]
    (folder / "sent.zip").write_bytes(plain_zip(*reversed(answers)))
    with Keeper() as keeper:
        evaluate_predictions(folder / "sent.zip", val, Limits(), on_answer=keeper.add)
        packed = io.BytesIO()
        keeper.pack(list(labels_of(val)), packed)
    return packed.getvalue()


@pytest.mark.parametrize("high", [7, 256])
def test_what_is_kept_scores_like_what_was_sent(val: Dataset, tmp_path: Path, high: int) -> None:
    (tmp_path / "kept.zip").write_bytes(kept(val, tmp_path, high))
    sent, again = (
        evaluate_predictions(tmp_path / name, val, Limits()).scores.as_dict() for name in ("sent.zip", "kept.zip")
    )
    assert sent == again


def test_it_holds_our_own_pngs_in_the_order_of_the_data_set_and_nothing_else(val: Dataset, tmp_path: Path) -> None:
    packed = kept(val, tmp_path, high=256)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.namelist() == list(labels_of(val))
        for name in archive.namelist():
            picture = label_maps.open_png(archive.read(name))
            assert picture.size == SCORE
            assert picture.getextrema()[1] == 7, "what is no class is kept as one value"
    assert packed == kept(val, tmp_path, high=256), "the same answers give the same bytes"


def test_it_has_a_ceiling() -> None:
    with Keeper() as keeper:
        for index in range(4):
            keeper.add(index, labels(SCORE, seed=index))
        with pytest.raises(NotKept):
            keeper.pack([f"{index}_label.png" for index in range(4)], io.BytesIO(), most_bytes=20_000)


def test_answers_that_are_missing_are_not_made_up() -> None:
    with Keeper() as keeper:
        keeper.add(1, labels(SCORE))
        with pytest.raises(NotKept, match="only 1 of 2 answers"):
            keeper.pack(["0_label.png", "1_label.png"], io.BytesIO())


def test_a_full_disk_spoils_what_is_kept_and_not_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    with Keeper() as keeper:
        with open("/dev/full", "wb", buffering=0) as full:
            monkeypatch.setattr(keeper, "_maps", full)
            keeper.add(0, np.zeros(SCORE[::-1], np.uint8))
        with pytest.raises(OSError, match="No space left"):
            keeper.pack(["0_label.png"], io.BytesIO())
