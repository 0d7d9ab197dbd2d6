"""The drawn data set: shaped as IDD-lite is, the same each time, and not solved by its colours."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evaluator.metrics import SCORE_SIZE, confusion_matrix, scores
from evaluator.sample import FRAMES_PER_DRIVE, draw_sample
from evaluator.scenes import draw_scene

TRAIN, VAL = 12, 14


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("drawn") / "sample"
    draw_sample(directory, train=TRAIN, val=VAL, seed=0)
    return directory


def labels(sample: Path, split: str) -> list[np.ndarray]:
    return [np.asarray(Image.open(path)) for path in sorted((sample / "gtFine" / split).glob("*/*.png"))]


def digests(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*.*"))
    }


@pytest.mark.parametrize(("split", "count"), [("train", TRAIN), ("val", VAL)])
def test_every_image_has_its_label_where_idd_lite_has_it(sample: Path, split: str, count: int) -> None:
    images = sorted((sample / "leftImg8bit" / split).glob("*/*_image.jpg"))
    assert len(images) == count
    for path in images:
        label = sample / "gtFine" / split / path.parent.name / path.name.replace("_image.jpg", "_label.png")
        with Image.open(path) as image, Image.open(label) as truth:
            assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (320, 227))
            assert (truth.format, truth.mode, truth.size) == ("PNG", "L", (320, 227))


def test_drives_hold_several_frames_and_belong_to_one_split(sample: Path) -> None:
    train, val = ({p.name for p in (sample / "leftImg8bit" / split).iterdir()} for split in ("train", "val"))
    assert not train & val
    assert len(train) == -(-TRAIN // FRAMES_PER_DRIVE)


@pytest.mark.parametrize("split", ["train", "val"])
def test_a_split_holds_all_seven_classes_and_ignore_and_nothing_else(sample: Path, split: str) -> None:
    assert set(np.unique(np.stack(labels(sample, split)))) == {0, 1, 2, 3, 4, 5, 6, 255}


def test_classes_are_about_as_common_as_in_idd_lite() -> None:
    scenes = [draw_scene(np.random.default_rng([9, index]))[1] for index in range(40)]
    shares = np.bincount(np.stack(scenes).ravel(), minlength=256) / np.stack(scenes).size
    ranges = [(0.25, 0.42), (0.005, 0.05), (0.008, 0.04), (0.03, 0.14), (0.05, 0.18), (0.15, 0.35), (0.12, 0.3)]
    for share, (low, high) in zip(shares[:7], ranges, strict=True):
        assert low < share < high
    assert shares[255] < 0.005


def test_the_same_seed_draws_the_same_bytes(sample: Path, tmp_path: Path) -> None:
    draw_sample(tmp_path / "again", train=TRAIN, val=VAL, seed=0)
    assert digests(tmp_path / "again") == digests(sample)


def test_a_scene_does_not_depend_on_how_many_are_drawn(sample: Path, tmp_path: Path) -> None:
    draw_sample(tmp_path / "few", train=2, val=3, seed=0)
    few = digests(tmp_path / "few")
    assert few == {name: digest for name, digest in digests(sample).items() if name in few}


def test_another_seed_and_the_other_split_draw_other_scenes(sample: Path, tmp_path: Path) -> None:
    draw_sample(tmp_path / "other", train=3, val=3, seed=1)
    both = [*digests(tmp_path / "other").values(), *digests(sample).values()]
    assert len(set(both)) == len(both)


def test_a_directory_with_anything_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(FileExistsError, match="not an empty directory"):
        draw_sample(tmp_path, train=1, val=1)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("counts", [(-1, 1), (1, -1), (100_001, 0)])
def test_impossible_counts_are_refused(tmp_path: Path, counts: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="must be between"):
        draw_sample(tmp_path / "new", *counts)
    assert not (tmp_path / "new").exists()


def test_progress_is_told_after_each_scene(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    draw_sample(tmp_path / "new", train=1, val=2, on_progress=lambda done, of: told.append((done, of)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_colour_alone_does_not_solve_it(sample: Path) -> None:
    """A nearest-mean-colour classifier, fitted on the very images it is scored on, stays poor."""
    small = [Image.open(p).resize(SCORE_SIZE) for p in sorted((sample / "leftImg8bit" / "val").glob("*/*.jpg"))]
    images = np.stack([np.asarray(image, np.float32) for image in small])
    truth = np.stack(
        [np.asarray(Image.fromarray(x).resize(SCORE_SIZE, Image.Resampling.NEAREST)) for x in labels(sample, "val")]
    )
    means = np.stack([images[truth == c].mean(axis=0) for c in range(7)])
    nearest = ((images[..., None, :] - means) ** 2).sum(-1).argmin(-1).astype(np.uint8)
    assert scores([confusion_matrix(t, p) for t, p in zip(truth, nearest, strict=True)]).miou < 0.25
