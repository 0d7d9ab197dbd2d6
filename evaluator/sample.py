"""Draw a small data set in IDD-lite's shape, so that everything runs without a licence.

    python -m evaluator sample DIR --train 60 --val 40 --seed 0

writes, as the real set does (BASELINES.md section 1),

    DIR/leftImg8bit/{train,val}/<drive>/<frame>_image.jpg   JPEG, RGB, 320 x 227
    DIR/gtFine/{train,val}/<drive>/<frame>_label.png        PNG, mode L, values 0..6 and 255

Scene i of a split depends on (seed, split, i) alone, never on how many are drawn. No drive is shared by two splits.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from evaluator.scenes import draw_scene

SPLITS = ("train", "val")
FRAMES_PER_DRIVE = 5
MOST_SCENES = 100_000  # of one split: six digits name a frame


def draw_sample(
    directory: Path,
    train: int = 60,
    val: int = 40,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> None:
    """Draw `train` + `val` scenes under `directory`, calling `on_progress(done, of)` after each.

    Raises ValueError for a count that is negative or above 100 000 and FileExistsError where `directory` already
    holds anything: a data set is never mixed with another or overwritten.
    """
    for name, count in (("train", train), ("val", val)):
        if not 0 <= count <= MOST_SCENES:
            raise ValueError(f"{name} must be between 0 and {MOST_SCENES}, not {count}")
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise FileExistsError(f"{directory} is not an empty directory: name a new one, or remove it first")
    done = 0
    for split, count in zip(SPLITS, (train, val), strict=True):
        for index in range(count):
            draw_frame(directory, split, index, seed)
            done += 1
            if on_progress is not None:
                on_progress(done, train + val)


def draw_frame(directory: Path, split: str, index: int, seed: int) -> None:
    """Draw scene `index` of a split and write its two files."""
    entropy = np.random.SeedSequence([seed, SPLITS.index(split), index])
    rng = np.random.default_rng(entropy)
    image, label = draw_scene(rng)
    drive = f"{split}{index // FRAMES_PER_DRIVE:04d}"
    frame = f"{index:06d}"
    image_path = directory / "leftImg8bit" / split / drive / f"{frame}_image.jpg"
    label_path = directory / "gtFine" / split / drive / f"{frame}_label.png"
    for path in (image_path, label_path):
        path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(image_path, quality=int(rng.integers(72, 94)))
    Image.fromarray(label).save(label_path)
