"""Where images and labels are, in the layout of `idd20k_lite`:

ROOT/leftImg8bit/SPLIT/DRIVE/FRAME_image.jpg     JPEG, RGB, 320 x 227
ROOT/gtFine/SPLIT/DRIVE/FRAME_label.png          PNG, mode L, values 0-6 and 255
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from evaluator import label_maps
from evaluator.errors import DatasetError
from evaluator.metrics import CLASS_NAMES, NO_CLASS, LabelMap

MAX_IMAGES = 20_000
"""A ceiling on what one evaluation holds in memory: 33 kB an image."""

IGNORE = 255
_IMAGES, _LABELS = "leftImg8bit", "gtFine"


@dataclasses.dataclass(frozen=True, slots=True)
class Item:
    """One image and its labels; `key` is DRIVE/FRAME."""

    key: str
    image: Path
    label: Path


@dataclasses.dataclass(frozen=True, slots=True)
class Dataset:
    """A labelled split. `open` looks at names only; `check` reads every file."""

    root: Path
    split: str
    items: tuple[Item, ...]

    @classmethod
    def open(cls, root: Path, split: str) -> Dataset:
        """Finds the pairs of a split, in the order of their names.

        Raises:
            DatasetError: no such split, an image without labels or labels without an image (named), or too many.
        """
        images = _files(root / _IMAGES / split, "_image.jpg")
        labels = _files(root / _LABELS / split, "_label.png")
        if not images:
            found = sorted(path.name for path in (root / _IMAGES).glob("*") if path.is_dir())
            known = f"it has the splits {', '.join(found)}" if found else f"there is no {_IMAGES}/ in it"
            raise DatasetError(f"{root} has no images of split {split!r}: {known}")
        if not labels:
            raise DatasetError(f"split {split!r} of {root} has no labels, so it can't be scored against")
        for ours, theirs, what in ((images, labels, "labels"), (labels, images, "image")):
            for key in ours.keys() - theirs.keys():
                raise DatasetError(f"{ours[key]} has no {what}: {_sibling(root, split, key, what)} is missing")
        if len(images) > MAX_IMAGES:
            raise DatasetError(f"split {split!r} has {len(images)} images; at most {MAX_IMAGES} are evaluated")
        return cls(root, split, tuple(Item(key, images[key], labels[key]) for key in sorted(images)))

    def __len__(self) -> int:
        return len(self.items)

    def image_bytes(self, index: int) -> bytes:
        """The image file as it is, for the container."""
        return self.items[index].image.read_bytes()

    def truth(self, index: int) -> LabelMap:
        """The labels at scoring size: uint8[128, 256].

        Raises:
            DatasetError: the file is not a label map.
        """
        path = self.items[index].label
        try:
            return label_maps.decode(path.read_bytes())
        except (OSError, label_maps.BadLabelMap) as error:
            raise DatasetError(f"{path}: {error}") from error

    def presence(self) -> bytes:
        """Which classes occur in which image, at scoring size: a byte an image, bit n for class n.

        Raises:
            DatasetError: a file is not a label map.
        """
        found = bytearray()
        for index in range(len(self)):
            labels = np.unique(self.truth(index))
            found.append(sum(1 << int(label) for label in labels if label < NO_CLASS))
        return bytes(found)

    def order(self, seed: int) -> list[int]:
        """The images in a random order that `seed` decides."""
        return [int(index) for index in np.random.default_rng(seed).permutation(len(self))]

    def fingerprint(self) -> str:
        """SHA-256 over names and bytes of all images and labels, as hex."""
        digest = hashlib.sha256()
        for item in self.items:
            for part in (item.key.encode(), item.image.read_bytes(), item.label.read_bytes()):
                digest.update(hashlib.sha256(part).digest())
        return digest.hexdigest()

    def check(self, on_progress: Callable[[int, int], None] = lambda done, total: None) -> list[str]:
        """Reads every file and names whatever is wrong, at most 20 things.

        Checks that images are JPEG, RGB, 320 x 227; that labels are 8-bit greyscale PNG of the same size with values
        0-6 and 255; that every class occurs (else the mean over classes is not defined).
        """
        wrong: list[str] = []
        seen = np.zeros(256, dtype=bool)
        for done, item in enumerate(self.items):
            wrong += [f"{item.image}: {reason}" for reason in _image_faults(item.image)]
            try:
                labels = label_maps.open_png(item.label.read_bytes())
                if labels.size != label_maps.NATIVE_SIZE:
                    wrong.append(f"{item.label}: it is {labels.size[0]} x {labels.size[1]}, not 320 x 227")
                values = np.flatnonzero(labels.histogram())
                seen[values] = True
                strange = [int(value) for value in values if value > 6 and value != IGNORE]
                if strange:
                    wrong.append(f"{item.label}: it has the label {strange[0]}; only 0-6 and 255 mean something")
            except (OSError, label_maps.BadLabelMap) as error:
                wrong.append(f"{item.label}: {error}")
            if len(wrong) >= 20:
                break
            on_progress(done + 1, len(self))
        else:
            wrong += [
                f"no pixel of the split is {name!r} (label {value}), so its mean over classes is not defined"
                for value, name in enumerate(CLASS_NAMES)
                if not seen[value]
            ]
        return wrong[:20]


def _image_faults(path: Path) -> list[str]:
    try:
        with Image.open(path) as image:
            if image.format != "JPEG" or image.mode != "RGB":
                return [f"it is {image.format} {image.mode}, not JPEG RGB"]
            if image.size != label_maps.NATIVE_SIZE:
                return [f"it is {image.size[0]} x {image.size[1]}, not 320 x 227"]
            image.load()
    except Exception as error:  # pillow raises a dozen kinds on damaged files, and all of them mean the same here
        return [f"it can't be read ({error})"]
    return []


def _files(directory: Path, ending: str) -> dict[str, Path]:
    """DRIVE/FRAME to path, of all files below `directory` with that ending."""
    return {
        path.relative_to(directory).as_posix().removesuffix(ending): path
        for path in directory.glob(f"*/*{ending}")
        if not path.name.endswith("_inst_label.png")
    }


def _sibling(root: Path, split: str, key: str, what: str) -> Path:
    if what == "labels":
        return root / _LABELS / split / f"{key}_label.png"
    return root / _IMAGES / split / f"{key}_image.jpg"
