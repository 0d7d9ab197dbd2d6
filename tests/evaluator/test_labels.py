"""Statistics of labels: exact counts, plots, and what is wrong with a set is named."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from evaluator import __main__ as command
from evaluator import labels
from evaluator.errors import DatasetError
from evaluator.svg import bars, lines, ticks


def put(root: Path, split: str, frame: str, label: object) -> None:
    path = root / "gtFine" / split / "drive" / f"{frame}_label.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.array(label, np.uint8)).save(path)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    put(tmp_path, "train", "a", [[0, 0, 1, 255]])
    put(tmp_path, "train", "b", [[0, 6, 6, 6], [6, 6, 6, 6]])
    put(tmp_path, "val", "c", [[2]])
    return tmp_path


def test_pixels_and_images_are_counted_by_class(small: Path) -> None:
    facts = labels.statistics(small, "train").as_dict()
    rows = {row["name"]: (row["pixels"], row["images"]) for row in facts["classes"]}
    assert rows == {
        "drivable": (3, 2), "non-drivable": (1, 1), "living-things": (0, 0), "vehicles": (0, 0),
        "road-side-objs": (0, 0), "far-objects": (0, 0), "sky": (7, 1), "unlabelled": (1, 1),
    }  # fmt: skip
    assert facts["sizes"] == {"4 x 1": 1, "4 x 2": 1}
    assert facts["classes"][0]["share"] == pytest.approx(3 / 12)


def test_a_set_with_more_than_seven_labels_has_the_names_of_level_two(tmp_path: Path) -> None:
    put(tmp_path, "train", "a", [[0, 14, 15, 255]])
    assert labels.statistics(tmp_path, "train").names[14] == "vegetation"


def test_the_drawn_sample_has_every_class(drawn: Path) -> None:
    facts = labels.statistics(drawn, "val").as_dict()
    assert facts["sizes"] == {"320 x 227": 4}
    assert all(row["pixels"] > 0 for row in facts["classes"][:-1])


def test_the_command_prints_all_splits_and_writes_plots(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "plots"
    monkeypatch.setattr(sys, "argv", ["evaluator", "labels", str(small), "--out", str(out)])
    assert command.main() == 0
    printed = capsys.readouterr().out
    assert "train: 2 label maps, 1 of 4 x 1, 1 of 4 x 2" in printed
    assert "val: 1 label maps" in printed
    names = sorted(path.name for path in out.iterdir())
    assert names == ["train-images.svg", "train-pixels.svg", "val-images.svg", "val-pixels.svg"]
    assert "non-drivable" in (out / "train-pixels.svg").read_text()
    monkeypatch.setattr(sys, "argv", ["evaluator", "labels", str(small), "--split", "val", "--json"])
    assert command.main() == 0
    assert [each["split"] for each in json.loads(capsys.readouterr().out)] == ["val"]


def test_what_is_wrong_is_named(small: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no labels of split 'test'; it has train, val"):
        labels.statistics(small, "test")
    with pytest.raises(DatasetError, match="in IDD-lite's layout"):
        labels.splits(tmp_path / "nothing")
    put(small, "colour", "c", np.zeros((2, 2, 3)))
    with pytest.raises(DatasetError, match="mode RGB"):
        labels.statistics(small, "colour")
    (small / "gtFine" / "val" / "drive" / "broken_label.png").write_bytes(b"no")
    with pytest.raises(DatasetError, match=r"broken_label\.png: can't be read"):
        labels.statistics(small, "val")


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 5, [0, 1, 2, 3, 4, 5]),
        (0, 0, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (41.2, 66.1, [40, 45, 50, 55, 60, 65, 70]),
        (0, 1234, [0, 500, 1000, 1500]),
    ],
)
def test_axes_have_round_numbers_around_the_data(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(expected)


@pytest.mark.parametrize(
    "picture",
    [
        bars('a < b & "c"', [("<x>", 1.5), ("nothing", 0.0)], " %"),
        bars("empty", []),
        lines("<t>", [("a & b", [(0, 1.0), (2, 3.0)]), ("one", [(1, 1)])], "x", "y"),
        lines("empty", [], "x", "y"),
    ],
)
def test_charts_are_well_formed_whatever_they_are_called(picture: str) -> None:
    root = ElementTree.fromstring(picture)
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"]
