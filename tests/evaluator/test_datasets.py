"""The data set's layout: what is found, what is wrong with it, and in which words."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from evaluator.datasets import Dataset
from evaluator.errors import DatasetError
from tests.evaluator.pictures import REFUSED, labels, png


@pytest.fixture
def data(scenes: Path, tmp_path: Path) -> Path:
    """A copy of the drawn scenes, to be spoiled."""
    return Path(shutil.copytree(scenes, tmp_path / "data"))


def image(data: Path, place: int = 0) -> Path:
    return sorted((data / "leftImg8bit" / "val").glob("*/*"))[place]


def label(data: Path, place: int = 0) -> Path:
    return sorted((data / "gtFine" / "val").glob("*/*"))[place]


def test_pairs_are_found_in_the_order_of_their_names(val: Dataset, scenes: Path) -> None:
    assert len(val) == 4
    assert [item.key for item in val.items] == ["val0000/000000", "val0000/000001", "val0000/000002", "val0000/000003"]
    for item in val.items:
        assert item.image == scenes / "leftImg8bit" / "val" / f"{item.key}_image.jpg"
        assert item.label == scenes / "gtFine" / "val" / f"{item.key}_label.png"
    assert val.image_bytes(1) == val.items[1].image.read_bytes()
    assert val.truth(1).shape == (128, 256)
    assert val.truth(1).dtype == np.uint8


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda data: label(data, 2).unlink(), "000002_image.jpg has no labels: .*000002_label.png is missing"),
        (lambda data: image(data, 1).unlink(), "000001_label.png has no image: .*000001_image.jpg is missing"),
        (lambda data: shutil.rmtree(data / "gtFine"), "has no labels, so it can't be scored against"),
        (lambda data: shutil.rmtree(data / "leftImg8bit"), "there is no leftImg8bit/ in it"),
        (lambda data: shutil.rmtree(data / "leftImg8bit" / "val"), "no images of split 'val': it has the splits train"),
        (lambda data: image(data).rename(image(data).with_suffix(".jpeg")), "has no image"),
    ],
)
def test_what_is_missing_is_named(spoil: Callable[[Path], None], says: str, data: Path) -> None:
    spoil(data)
    with pytest.raises(DatasetError, match=says):
        Dataset.open(data, "val")


def test_the_splits_there_are_listed(scenes: Path) -> None:
    with pytest.raises(DatasetError, match=r"no images of split 'test': it has the splits train, val$"):
        Dataset.open(scenes, "test")


def test_more_images_than_memory_is_meant_for_are_refused(scenes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evaluator.datasets.MAX_IMAGES", 3)
    with pytest.raises(DatasetError, match="has 4 images; at most 3"):
        Dataset.open(scenes, "val")


def test_instance_labels_are_left_alone(data: Path) -> None:
    (label(data).parent / "000000_inst_label.png").write_bytes(b"not ours")
    assert len(Dataset.open(data, "val")) == 4


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**63))
def test_an_order_is_every_image_once_and_the_seeds_own(seed: int, val: Dataset) -> None:
    assert sorted(val.order(seed)) == [0, 1, 2, 3]
    assert val.order(seed) == val.order(seed)


def test_other_seeds_give_other_orders(val: Dataset) -> None:
    assert len({tuple(val.order(seed)) for seed in range(100)}) > 15


def test_a_sound_split_passes(val: Dataset) -> None:
    seen: list[tuple[int, int]] = []
    assert val.check(lambda done, total: seen.append((done, total))) == []
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_the_real_val_split_passes(idd_lite: Path | None, val: Dataset) -> None:
    if idd_lite is None:
        print("NOTE: IDD-lite is not here; the drawn split is checked instead")
    assert (Dataset.open(idd_lite, "val") if idd_lite else val).check() == []


def _grey_jpeg(path: Path) -> None:
    Image.open(path).convert("L").save(path)


def _small_jpeg(path: Path) -> None:
    Image.open(path).resize((160, 120)).save(path)


IMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "grey": (_grey_jpeg, "it is JPEG L, not JPEG RGB"),
    "a PNG": (lambda path: Image.open(path).save(path, "PNG"), "it is PNG RGB, not JPEG RGB"),
    "small": (_small_jpeg, "it is 160 x 120, not 320 x 227"),
    "text": (lambda path: path.write_text("no picture"), "it can't be read"),
    "empty": (lambda path: path.write_bytes(b""), "it can't be read"),
    "cut off": (lambda path: path.write_bytes(path.read_bytes()[:3000]), "it can't be read"),
    "a bomb": (lambda path: path.write_bytes(REFUSED["claims 20 000 x 20 000"][0]), "it can't be read"),
}


@pytest.mark.parametrize("name", IMAGES)
def test_a_wrong_image_is_named(name: str, data: Path) -> None:
    spoil, says = IMAGES[name]
    spoil(image(data, 3))
    wrong = Dataset.open(data, "val").check()
    assert len(wrong) == 1
    assert wrong[0].startswith(f"{image(data, 3)}: ")
    assert says in wrong[0]


@pytest.mark.parametrize("name", REFUSED)
def test_a_wrong_label_is_named(name: str, data: Path) -> None:
    file, says = REFUSED[name]
    label(data, 3).write_bytes(file)
    found = Dataset.open(data, "val")
    wrong = found.check()
    assert wrong[0].startswith(f"{label(data, 3)}: ")
    assert says in wrong[0]
    with pytest.raises(DatasetError, match=re.escape(str(label(data, 3)))):
        found.truth(3)


@pytest.mark.parametrize(
    ("picture", "says"),
    [
        (labels(high=10), "it has the label 7; only 0-6 and 255 mean something"),
        (np.full((227, 320), 254, np.uint8), "it has the label 254"),
        (labels((256, 128)), "it is 256 x 128, not 320 x 227"),
    ],
)
def test_label_values_and_size_are_checked(picture: np.ndarray, says: str, data: Path) -> None:
    label(data, 1).write_bytes(png(picture))
    wrong = Dataset.open(data, "val").check()
    assert wrong[0].startswith(f"{label(data, 1)}: ")
    assert says in wrong[0]


def test_a_class_that_never_occurs_is_named(data: Path) -> None:
    for place in range(4):
        label(data, place).write_bytes(png(labels(high=6)))
    assert Dataset.open(data, "val").check() == [
        "no pixel of the split is 'sky' (label 6), so its mean over classes is not defined"
    ]


def test_at_most_twenty_things_are_named(data: Path) -> None:
    for number in range(30):
        for path, ending in ((image(data, 0), "_image.jpg"), (label(data, 0), "_label.png")):
            (path.parent / f"x{number}{ending}").write_bytes(b"")
    assert len(Dataset.open(data, "val").check()) == 20


def test_a_fingerprint_is_of_names_and_bytes(val: Dataset, data: Path) -> None:
    assert Dataset.open(data, "val").fingerprint() == val.fingerprint()
    image(data).write_bytes(image(data).read_bytes() + b"\0")
    assert Dataset.open(data, "val").fingerprint() != val.fingerprint()
