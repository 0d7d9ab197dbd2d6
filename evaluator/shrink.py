"""Make IDD-lite or IDD-mini from the full India Driving Dataset (thesis, sections 3.4.1 and 3.4.2).

    python -m evaluator shrink IDD_DIR OUT --level lite

reads   IDD_DIR/leftImg8bit/SPLIT/DRIVE/FRAME_leftImg8bit.{png,jpg}
        IDD_DIR/gtFine/SPLIT/DRIVE/FRAME_gtFine_polygons.json, or _gtFine_{labelids,labellevel3Ids,labellevel2Ids,
        labellevel1Ids}.png; a split without any has images only
writes  OUT/leftImg8bit/SPLIT/DRIVE/FRAME_image.jpg and OUT/gtFine/SPLIT/DRIVE/FRAME_label.png

Every tenth frame of a split, in the order of their names, is kept: of both parts of IDD's 14 027 / 2036 / 4038 frames
that leaves the 1403 / 204 / 404 of the published IDD-lite. Images are resized with a Lanczos filter, labels by nearest
neighbour after they were drawn at full size. Lite: the 7 classes of level 1, 320 x 227. Mini: the 16 of level 2; its
published size is not known to us, 720 x 480 is our choice, and --size changes it.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageDraw, UnidentifiedImageError

from evaluator.errors import DatasetError
from evaluator.hierarchy import VOID, Level, lookup, value_of

Name = Literal["lite", "mini"]
MOST_PIXELS = 64 * 1024 * 1024  # of one image, before shrinking
_IMAGE_ENDINGS = ("_leftImg8bit.png", "_leftImg8bit.jpg", "_leftImg8bit.jpeg")
_POLYGONS = "_gtFine_polygons.json"
_LABEL_IMAGES: tuple[tuple[str, Literal["id", "level3", "level2", "level1"]], ...] = (
    ("_gtFine_labelids.png", "id"),
    ("_gtFine_labellevel3Ids.png", "level3"),
    ("_gtFine_labellevel2Ids.png", "level2"),
    ("_gtFine_labellevel1Ids.png", "level1"),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Recipe:
    """How a set is made small; `size` is width and height."""

    level: Level
    size: tuple[int, int]
    every: int = 10
    quality: int = 90


RECIPES: dict[Name, Recipe] = {"lite": Recipe(1, (320, 227)), "mini": Recipe(2, (720, 480))}


@dataclasses.dataclass(frozen=True, slots=True)
class Frame:
    """One frame of the full set; `key` is SPLIT/DRIVE/FRAME."""

    key: str
    image: Path


def shrink(
    root: Path, out: Path, recipe: Recipe, on_progress: Callable[[int, int], None] = lambda done, total: None
) -> dict[str, tuple[int, int]]:
    """Writes the small set; returns images and labels by split. `out` appears when all of it is there.

    Raises:
        DatasetError: no such set, or a file that can't be used, which is named.
        FileExistsError: `out` is there already.
    """
    if out.exists():
        raise FileExistsError(f"{out} exists already: name a new directory, or remove it first")
    chosen = [frame for frames in find(root).values() for frame in frames[:: recipe.every]]
    partial = out.with_name(f"{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    counts: dict[str, list[int]] = {}
    for done, frame in enumerate(chosen):
        has_label = write(root, frame, partial, recipe)
        count = counts.setdefault(frame.key.partition("/")[0], [0, 0])
        count[0] += 1
        count[1] += has_label
        on_progress(done + 1, len(chosen))
    for split, (images, labels) in counts.items():
        if labels not in (0, images):
            missing = next(f.key for f in chosen if f.key.startswith(f"{split}/") and not label_source(root, f.key))
            raise DatasetError(
                f"split {split!r} has labels for {labels} of {images} frames: {missing} has neither polygons nor a "
                f"label image below {root / 'gtFine'}"
            )
    os.replace(partial, out)
    return {split: (images, labels) for split, (images, labels) in counts.items()}


def find(root: Path) -> dict[str, list[Frame]]:
    """Frames by split, in the order of their names.

    Raises:
        DatasetError: there are none.
    """
    found: dict[str, list[Frame]] = {}
    for path in sorted((root / "leftImg8bit").glob("*/*/*")):
        for ending in _IMAGE_ENDINGS:
            if path.name.endswith(ending):
                key = path.relative_to(root / "leftImg8bit").as_posix().removesuffix(ending)
                found.setdefault(key.partition("/")[0], []).append(Frame(key, path))
    if not found:
        raise DatasetError(
            f"{root} has no leftImg8bit/SPLIT/DRIVE/FRAME_leftImg8bit.png or .jpg: is it the full data set? "
            "Put the parts of IDD-20k into one directory"
        )
    return found


def write(root: Path, frame: Frame, out: Path, recipe: Recipe) -> bool:
    """One frame's image, and its label if it has one; says whether it has."""
    image_path, label_path = out / "leftImg8bit" / f"{frame.key}_image.jpg", out / "gtFine" / f"{frame.key}_label.png"
    image_path.parent.mkdir(parents=True, exist_ok=True)
    with opened(frame.image) as image:
        image.convert("RGB").resize(recipe.size, Image.Resampling.LANCZOS).save(image_path, quality=recipe.quality)
    source = label_source(root, frame.key)
    if source is None:
        return False
    label_path.parent.mkdir(parents=True, exist_ok=True)
    label = draw(source, recipe.level) if source.suffix == ".json" else translate(source, recipe.level)
    label.resize(recipe.size, Image.Resampling.NEAREST).save(label_path)
    return True


def label_source(root: Path, key: str) -> Path | None:
    """The polygons of a frame, else its label image, the finest one."""
    endings = (_POLYGONS, *(ending for ending, _ in _LABEL_IMAGES))
    return next((path for ending in endings if (path := root / "gtFine" / f"{key}{ending}").exists()), None)


def draw(path: Path, level: Level) -> Image.Image:
    """The label map (mode L) that polygons describe, at full size, later ones over earlier ones.

    Raises:
        DatasetError: the file is damaged, or names a label that is not in the hierarchy.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        width, height = int(content["imgWidth"]), int(content["imgHeight"])
        if not (width > 0 and height > 0 and width * height <= MOST_PIXELS):
            raise DatasetError(f"{path}: an image of {width} x {height} is not to be believed")
        canvas = Image.new("L", (width, height), VOID)
        pen = ImageDraw.Draw(canvas)
        for name, corners in _polygons(content):
            pen.polygon(corners, fill=value_of(name, level))
    except KeyError as error:
        raise DatasetError(f"{path}: neither a label nor a key is called {error.args[0]!r}") from error
    except (ValueError, TypeError, IndexError, AttributeError) as error:
        raise DatasetError(f"{path}: not a file of polygons ({error})") from error
    return canvas


def _polygons(content: Any) -> Iterator[tuple[str, list[tuple[float, float]]]]:
    for each in content["objects"]:
        corners = [(float(x), float(y)) for x, y in each["polygon"]]
        if len(corners) >= 3 and not each.get("deleted"):
            yield each["label"], corners


def translate(path: Path, level: Level) -> Image.Image:
    """A label image's values brought to `level`.

    Raises:
        DatasetError: it can't be read, or its labels are coarser than asked for.
    """
    source = next(kind for ending, kind in _LABEL_IMAGES if path.name.endswith(ending))
    try:
        table = lookup(source, level)
    except ValueError as error:
        raise DatasetError(f"{path}: {error}") from error
    with opened(path) as image:
        if image.mode not in ("L", "P"):
            raise DatasetError(f"{path}: a label image has one channel of 8 bits, this has mode {image.mode}")
        return Image.fromarray(table[np.asarray(image, dtype=np.uint8)])


def opened(path: Path) -> Image.Image:
    """Raises:
    DatasetError: no image, or one of a size not to be believed.
    """
    try:
        image = Image.open(path)
        if image.width * image.height > MOST_PIXELS:
            raise DatasetError(f"{path}: an image of {image.width} x {image.height} is not to be believed")
        image.load()
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise DatasetError(f"{path}: can't be read as an image ({error})") from error
    return image
