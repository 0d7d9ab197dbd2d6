"""Statistics of a set's labels, as the thesis' Figures 3.6 and 3.7 plot them: pixels and images of each class.

python -m evaluator labels DIR [--split train] [--out FOLDER]
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from evaluator.datasets import MAX_IMAGES
from evaluator.errors import DatasetError
from evaluator.hierarchy import LEVEL_2_NAMES, VOID
from evaluator.metrics import CLASS_NAMES
from evaluator.svg import bars


@dataclasses.dataclass(frozen=True, slots=True)
class Statistics:
    """Of one split.

    Attributes:
        images: how many label maps there are.
        pixels: int64[256], pixels of each value.
        present: int64[256], images that have the value at all.
        sizes: width x height of the maps, and how many have it.
    """

    split: str
    images: int
    pixels: NDArray[np.int64]
    present: NDArray[np.int64]
    sizes: dict[str, int]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the classes: IDD-lite's seven, or the sixteen of level 2 where there are more."""
        return LEVEL_2_NAMES if self.pixels[len(CLASS_NAMES) : VOID].any() else CLASS_NAMES

    def share(self, value: int) -> float:
        """Of all pixels, 0 to 1."""
        return float(self.pixels[value] / max(int(self.pixels.sum()), 1))

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        rows = [*enumerate(self.names), (VOID, "unlabelled")]
        return {
            "split": self.split,
            "images": self.images,
            "sizes": self.sizes,
            "classes": [
                {
                    "label": value,
                    "name": name,
                    "pixels": int(self.pixels[value]),
                    "share": self.share(value),
                    "images": int(self.present[value]),
                }
                for value, name in rows
            ],
        }


def splits(root: Path) -> list[str]:
    """Splits that have labels.

    Raises:
        DatasetError: there are none.
    """
    found = sorted({path.parts[-3] for path in (root / "gtFine").glob("*/*/*_label.png")})
    if not found:
        raise DatasetError(f"{root} has no gtFine/SPLIT/DRIVE/FRAME_label.png: is it a set in IDD-lite's layout?")
    return found


def statistics(
    root: Path, split: str, on_progress: Callable[[int, int], None] = lambda done, total: None
) -> Statistics:
    """Reads every label map of a split.

    Raises:
        DatasetError: there are none or too many, or one can't be read.
    """
    paths = sorted((root / "gtFine" / split).glob("*/*_label.png"))
    if not paths:
        raise DatasetError(f"{root} has no labels of split {split!r}; it has {', '.join(splits(root))}")
    if len(paths) > MAX_IMAGES:
        raise DatasetError(f"split {split!r} has {len(paths)} label maps; at most {MAX_IMAGES} are read")
    pixels, present, sizes = np.zeros(256, np.int64), np.zeros(256, np.int64), dict[str, int]()
    for done, path in enumerate(paths):
        try:
            with Image.open(path) as image:
                if image.mode != "L":
                    raise DatasetError(f"{path}: it has mode {image.mode}; label maps are 8-bit greyscale")
                counts = np.array(image.histogram(), np.int64)
                size = f"{image.width} x {image.height}"
        except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
            raise DatasetError(f"{path}: can't be read as an image ({error})") from error
        pixels += counts
        present += counts > 0
        sizes[size] = sizes.get(size, 0) + 1
        on_progress(done + 1, len(paths))
    return Statistics(split, len(paths), pixels, present, sizes)


def text(found: Statistics) -> str:
    """A table with a small bar in each row."""
    facts = found.as_dict()
    most = max((row["share"] for row in facts["classes"]), default=0.0) or 1.0
    lines = [
        f"{found.split}: {found.images} label maps, {', '.join(f'{n} of {size}' for size, n in found.sizes.items())}",
        f"{'label':>5}  {'class':<24}{'pixels':>14}{'share':>10}{'images':>8}",
    ]
    for row in facts["classes"]:
        bar = "█" * round(24 * row["share"] / most)
        lines.append(
            f"{row['label']:>5}  {row['name']:<24}{row['pixels']:>14,}{100 * row['share']:>8.3f} %{row['images']:>8}"
            f"  {bar}"
        )
    return "\n".join(line.rstrip() for line in lines)


def plots(found: Statistics) -> dict[str, str]:
    """File name to SVG: pixels by class, and images that have the class."""
    rows = found.as_dict()["classes"][:-1]
    pixels = [(row["name"], 100 * row["share"]) for row in rows]
    images = [(row["name"], 100 * row["images"] / found.images) for row in rows]
    return {
        f"{found.split}-pixels.svg": bars(f"Share of pixels by class, {found.split}", pixels, " %"),
        f"{found.split}-images.svg": bars(
            f"Share of images that have the class, {found.split}", images, " %", digits=1
        ),
    }
