"""Scoring from files to result, against other ways to spend the time."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from evaluator.metrics import scores
from evaluator.predictions import score_files
from evaluator.sample import draw_sample
from tests.bench.rows import Row, best
from tests.evaluator import official

PAIRS = 204
PURE_PAIRS = 4
"""The pure-Python loop runs over so many pairs, and its time is scaled by their number."""


def data(scratch: Path) -> tuple[Path, str]:
    """A data set with 204 labelled images: the real val split, or drawn scenes copied until there are enough."""
    for place in (os.environ.get("IDD_LITE"), Path(__file__).parents[3] / "shared" / "idd20k_lite"):
        if place and (Path(place) / "gtFine" / "val").is_dir():
            return Path(place), "IDD-lite's val split"
    root, drawn = scratch / "data", 12
    draw_sample(root, train=0, val=drawn, seed=0)
    for number in range(drawn, PAIRS):
        for folder, ending in (("leftImg8bit", "image.jpg"), ("gtFine", "label.png")):
            source = sorted((root / folder / "val" / "val0000").glob("*"))[number % 5]
            shutil.copy(source, root / folder / "val" / "val0000" / f"{number:06d}_{ending}")
    return root, f"drawn scenes ({drawn} different ones; set IDD_LITE for the real ones)"


def scoring_rows(root: Path, scratch: Path) -> list[Row]:
    """Scoring from files to result, against two other ways to spend the time."""
    truth = root / "gtFine" / "val"
    predictions = scratch / "predictions"
    paths = sorted(truth.glob("*/*_label.png"))
    assert len(paths) == PAIRS, f"{truth} has {len(paths)} labels, not {PAIRS}"
    for index, path in enumerate(paths):  # another image's labels: as good as a poor model
        place = predictions / path.relative_to(truth)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(paths[(index + 7) % PAIRS], place)
    pairs = [(path, predictions / path.relative_to(truth)) for path in paths]

    def scoring() -> None:
        scores(score_files(predictions, truth))

    def reading() -> None:
        """What no scorer can leave out: read, decode, resize."""
        for pair in pairs:
            for path in pair:
                with Image.open(path) as image:
                    np.asarray(image.resize((256, 128), Image.Resampling.NEAREST))

    def lists() -> Iterator[list[list[list[int]]]]:
        """Pairs as lists of rows; the decoding alone is Pillow's here as well."""
        for pair in pairs[:PURE_PAIRS]:
            rows = []
            for path in pair:
                with Image.open(path) as image:
                    rows.append(np.asarray(image).tolist())
            yield rows

    def plain() -> None:
        """The loop as the rule reads: for each pixel of 256 x 128 find its source in both, clip, count."""
        matrix = [[0] * 8 for _ in range(8)]
        for one, other in lists():
            height, width = len(one), len(one[0])
            for y in range(128):
                for x in range(256):
                    row, column = int((y + 0.5) * height / 128), int((x + 0.5) * width / 256)
                    matrix[min(one[row][column], 7)][min(other[row][column], 7)] += 1
        official.miou(matrix)

    def tuned() -> None:
        """The same with the sources worked out once a row and column, and no calls in the inner loop."""
        matrices = [official.confusion(*(official.at_score_size(rows) for rows in pair)) for pair in lists()]
        official.miou(official.total(matrices))

    ours, alone, slow, faster = best(scoring, reading, plain, tuned)
    slow, faster = slow * PAIRS / PURE_PAIRS, faster * PAIRS / PURE_PAIRS
    return [
        Row("scoring, against a plain Python loop over the same pixels",
            f"{ours:.3f} s / {slow:.2f} s (from {PURE_PAIRS} pairs)", slow / ours, "at least 15 x", slow / ours >= 15),
        Row("  the same, against that loop tuned by hand",
            f"{ours:.3f} s / {faster:.2f} s (from {PURE_PAIRS} pairs)", faster / ours,
            f"none: decoding alone caps it at {faster / alone:.0f} x", True),
        Row("scoring, against decoding and resizing alone", f"{ours:.3f} s / {alone:.3f} s",
            ours / alone, "at most 1.4 x", ours / alone <= 1.4),
    ]  # fmt: skip
