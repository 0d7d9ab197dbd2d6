"""IDD-lite and IDD-mini from a made-up tree in the shape of the full data set."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from evaluator import __main__ as command
from evaluator import hierarchy, shrink
from evaluator.datasets import Dataset
from evaluator.errors import DatasetError
from evaluator.shrink import RECIPES, Recipe

WIDTH, HEIGHT = 640, 454  # IDD-lite's, twice
EVERY = Recipe(1, (320, 227), every=1)


def box(label: str, left: int, top: int, right: int, bottom: int, **more: Any) -> dict[str, Any]:
    corners = [[left, top], [right - 1, top], [right - 1, bottom - 1], [left, bottom - 1]]
    return {"label": label, "polygon": corners, **more}


STREET = [
    box("sky", 0, 0, WIDTH, 200),
    box("vegetation", 0, 200, 320, 300),
    box("building", 320, 200, WIDTH, 300),
    box("road", 0, 300, WIDTH, HEIGHT),
    box("sidewalk", 0, 300, 100, HEIGHT),
    box("car", 200, 280, 300, 400),
    box("license plate", 240, 360, 260, 380),
    box("persongroup", 400, 280, 440, 400),
    box("traffic light", 500, 100, 520, 160),
    box("autorickshaw", 0, 0, WIDTH, HEIGHT, deleted=1),
    {"label": "pole", "polygon": [[1, 1], [2, 2]]},  # no area
]


def put(root: Path, split: str, frame: str, objects: list[dict[str, Any]] | None, drive: str = "201") -> None:
    image = root / "leftImg8bit" / split / drive / f"{frame}_leftImg8bit.png"
    image.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (WIDTH, HEIGHT), (120, 130, 140)).save(image)
    if objects is not None:
        polygons = root / "gtFine" / split / drive / f"{frame}_gtFine_polygons.json"
        polygons.parent.mkdir(parents=True, exist_ok=True)
        polygons.write_text(json.dumps({"imgWidth": WIDTH, "imgHeight": HEIGHT, "objects": objects}))


@pytest.fixture
def full(tmp_path: Path) -> Path:
    for frame in range(23):
        put(tmp_path / "idd", "train", f"frame{frame:04d}", STREET, drive=str(100 + frame // 5))
    for frame in range(11):
        put(tmp_path / "idd", "val", f"{frame:06d}", STREET)
    for frame in range(2):
        put(tmp_path / "idd", "test", f"{frame:06d}", None)
    return tmp_path / "idd"


def labels_of(out: Path, split: str = "train") -> list[Path]:
    return sorted((out / "gtFine" / split).glob("*/*_label.png"))


def at(path: Path, x: int, y: int) -> int:
    """The label at a place given in the full image's pixels."""
    with Image.open(path) as label:
        value = label.getpixel((x * label.width // WIDTH, y * label.height // HEIGHT))
        assert isinstance(value, int)
        return value


def test_every_tenth_frame_is_kept_in_idd_lites_shape(full: Path, tmp_path: Path) -> None:
    counts = shrink.shrink(full, tmp_path / "lite", RECIPES["lite"])
    assert counts == {"test": (1, 0), "train": (3, 3), "val": (2, 2)}
    lite = Dataset.open(tmp_path / "lite", "train")
    assert [item.key for item in lite.items] == ["100/frame0000", "102/frame0010", "104/frame0020"]
    wrong = [each for each in lite.check() if "no pixel of the split" not in each]
    assert wrong == []


def test_counts_are_those_of_the_published_set() -> None:
    assert [len(range(0, total, RECIPES["lite"].every)) for total in (14_027, 2_036, 4_038)] == [1403, 204, 404]


PLACES = {  # of the full image: level 1, level 2
    (300, 50): (6, 15), (100, 250): (5, 14), (400, 250): (5, 13), (350, 350): (0, 0), (50, 400): (1, 2),
    (220, 350): (3, 7), (250, 370): (255, 255), (420, 300): (2, 4), (510, 130): (4, 11),
}  # fmt: skip


@pytest.mark.parametrize(("name", "place"), [("lite", 0), ("mini", 1)])
def test_polygons_are_drawn_in_their_order_at_each_level(
    name: shrink.Name, place: int, full: Path, tmp_path: Path
) -> None:
    shrink.shrink(full, tmp_path / name, RECIPES[name])
    label = labels_of(tmp_path / name)[0]
    with Image.open(label) as opened:
        assert opened.size == RECIPES[name].size
        assert opened.mode == "L"
    for (x, y), levels in PLACES.items():
        assert at(label, x, y) == levels[place], (x, y)


@pytest.mark.parametrize(
    ("ending", "values"),
    [
        ("labelids", {"sky": 33, "road": 0, "car": 12, "license plate": 39}),
        ("labellevel3Ids", {"sky": 25, "road": 0, "car": 9, "license plate": 255}),
        ("labellevel2Ids", {"sky": 15, "road": 0, "car": 7, "license plate": 255}),
        ("labellevel1Ids", {"sky": 6, "road": 0, "car": 3, "license plate": 255}),
    ],
)
def test_label_images_serve_where_there_are_no_polygons(ending: str, values: dict[str, int], tmp_path: Path) -> None:
    put(tmp_path / "idd", "train", "a", None)
    picture = np.repeat(np.array(list(values.values()), np.uint8)[None], 227, axis=0).repeat(80, axis=1)
    folder = tmp_path / "idd" / "gtFine" / "train" / "201"
    folder.mkdir(parents=True)
    Image.fromarray(picture).save(folder / f"a_gtFine_{ending}.png")
    shrink.shrink(tmp_path / "idd", tmp_path / "lite", EVERY)
    (label,) = labels_of(tmp_path / "lite")
    assert [at(label, 40 + 160 * column, 5) for column in range(4)] == [6, 0, 3, 255]


def test_the_hierarchy_holds_together() -> None:
    ids, finest = hierarchy.lookup("id", 1), hierarchy.lookup("level3", 1)
    assert len(hierarchy.NAMES) == 40
    assert sorted({levels[0] for levels in hierarchy.NAMES.values()}) == [*range(7), 255]
    assert sorted({levels[1] for levels in hierarchy.NAMES.values()}) == [*range(16), 255]
    assert (finest[:26] < 7).all()
    assert (finest[26:] == 255).all()
    assert (ids[:35] < 7).all()
    assert (ids[35:] == 255).all()
    coarser = hierarchy.lookup("level2", 1)
    assert all(coarser[levels[1]] == levels[0] for levels in hierarchy.NAMES.values())
    with pytest.raises(ValueError, match="can't be told apart at level 2"):
        hierarchy.lookup("level1", 2)


def overwrite(full: Path, text: str) -> None:
    (full / "gtFine" / "train" / "100" / "frame0000_gtFine_polygons.json").write_text(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no json", r"frame0000_gtFine_polygons\.json: not a file of polygons"),
        ("[]", "not a file of polygons"),
        ('{"imgWidth": 4, "imgHeight": 4}', "neither a label nor a key is called 'objects'"),
        ('{"imgWidth": 4, "imgHeight": 4, "objects": [{"label": "cow", "polygon": [[0,0],[1,1],[0,1]]}]}', "'cow'"),
        ('{"imgWidth": 4, "imgHeight": 4, "objects": [{"label": "car", "polygon": [[0],[1,1],[0,1]]}]}', "not a file"),
        ('{"imgWidth": 99999, "imgHeight": 99999, "objects": []}', "not to be believed"),
    ],
)
def test_damaged_polygons_are_named_and_nothing_is_left(text: str, message: str, full: Path, tmp_path: Path) -> None:
    overwrite(full, text)
    with pytest.raises(DatasetError, match=message):
        shrink.shrink(full, tmp_path / "lite", RECIPES["lite"])
    assert not (tmp_path / "lite").exists()
    overwrite(full, json.dumps({"imgWidth": WIDTH, "imgHeight": HEIGHT, "objects": STREET}))
    shrink.shrink(full, tmp_path / "lite", RECIPES["lite"])  # what was left of the first try is in nobody's way
    assert len(labels_of(tmp_path / "lite")) == 3


def test_a_labelled_split_with_a_frame_without_labels_is_an_error(full: Path, tmp_path: Path) -> None:
    (full / "gtFine" / "val" / "201" / "000010_gtFine_polygons.json").unlink()
    with pytest.raises(DatasetError, match="labels for 1 of 2 frames: val/201/000010 has neither"):
        shrink.shrink(full, tmp_path / "lite", RECIPES["lite"])


def test_other_mistakes_are_answered_with_a_remedy(full: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is it the full data set"):
        shrink.shrink(tmp_path / "nothing", tmp_path / "lite", RECIPES["lite"])
    with pytest.raises(FileExistsError, match="name a new directory"):
        shrink.shrink(full, full, RECIPES["lite"])
    (full / "leftImg8bit" / "train" / "100" / "frame0000_leftImg8bit.png").write_bytes(b"no image")
    with pytest.raises(DatasetError, match=r"frame0000_leftImg8bit\.png: can't be read"):
        shrink.shrink(full, tmp_path / "lite", RECIPES["lite"])


def test_the_command_says_what_it_made(
    full: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mini"
    options = ["--level", "mini", "--size", "96x64", "--every", "5"]
    monkeypatch.setattr(sys, "argv", ["evaluator", "shrink", str(full), str(out), *options])
    assert command.main() == 0
    assert "train 5 images and 5 labels, val 3 images and 3 labels" in capsys.readouterr().out
    with Image.open(labels_of(out)[0]) as label:
        assert label.size == (96, 64)
    assert command.main() == 2
    assert "name a new directory" in capsys.readouterr().err
    for bad in ("96", "0x5", "axb"):
        monkeypatch.setattr(sys, "argv", ["evaluator", "shrink", str(full), str(out), "--level", "lite", "--size", bad])
        with pytest.raises(SystemExit):
            command.main()
