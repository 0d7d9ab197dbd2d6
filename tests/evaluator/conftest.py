"""Data to score against: the real val split where it is, else a drawn one, and it is said which."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import pytest

from evaluator.datasets import Dataset
from evaluator.sample import draw_sample

ROOT = Path(__file__).parents[2]


def real_data() -> Path | None:
    """Where IDD-lite lies: `IDD_LITE`, or beside the repository."""
    for place in (os.environ.get("IDD_LITE"), ROOT.parent / "shared" / "idd20k_lite"):
        if place and (Path(place) / "gtFine" / "val").is_dir():
            return Path(place)
    return None


@pytest.fixture(scope="session")
def idd_lite() -> Path | None:
    """The real data set; None, with a warning that names what is used instead, where it is not to be had."""
    found = real_data()
    if found is None:
        warnings.warn(
            "IDD-lite is not here (set IDD_LITE): the scorer's fixed points are checked on drawn scenes against the "
            "slow implementation instead",
            stacklevel=1,
        )
    return found


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn data set of two scenes to train on and four to be scored on."""
    folder = tmp_path_factory.mktemp("scenes") / "drawn"
    draw_sample(folder, train=2, val=4, seed=5)
    return folder


@pytest.fixture(scope="session")
def val(scenes: Path) -> Dataset:
    return Dataset.open(scenes, "val")
