"""Images and labels in memory: as they come (`Source`), and laid out for a training on one device (`Bank`)."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

IGNORE = 255
RARE = (1, 2)  # non-drivable and living-things: 2.2 % and 1.3 % of IDD-lite's pixels
MEAN = (0.3576, 0.3713, 0.3657)  # of IDD-lite's training images
STD = (0.2612, 0.2727, 0.2947)
SPOTS = 64  # pixels of a rare class remembered for an image: enough that crops around them differ

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Source:
    """One set of equally sized images: images uint8[N, H, W, 3], labels uint8[N, H, W]."""

    images: Bytes
    labels: Bytes

    def __len__(self) -> int:
        return len(self.images)


def read_split(root: Path, split: str) -> Source:
    """All labelled images of `root/{leftImg8bit,gtFine}/split`, ordered by path.

    Raises FileNotFoundError if there is none, or if an image has no label.
    """
    images = sorted((root / "leftImg8bit" / split).glob("*/*_image.jpg"))
    if not images:
        raise FileNotFoundError(
            f"no *_image.jpg under {root / 'leftImg8bit' / split}: is {root} an IDD-lite directory?"
        )
    labels = [root / "gtFine" / split / p.parent.name / p.name.replace("_image.jpg", "_label.png") for p in images]
    return Source(
        np.stack([np.asarray(Image.open(path).convert("RGB")) for path in images]),
        np.stack([np.asarray(Image.open(path)) for path in labels]),
    )


def class_shares(sources: list[Source]) -> NDArray[np.float64]:
    """Share of the labelled pixels that each of the seven classes has: float64[7], sums to 1."""
    counts = sum(np.bincount(source.labels.ravel(), minlength=256)[:7] for source in sources)
    return np.asarray(counts / np.sum(counts), np.float64)


def statistics(normalise: bool) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation that pixels of 0..1 are normalised by: IDD-lite's, or none."""
    return (MEAN, STD) if normalise else ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def normalised(images: Tensor, normalise: bool) -> Tensor:
    """uint8[N, 3, H, W] -> float32[N, 3, H, W] on the same device."""
    mean, std = (constant(values, images.device).view(1, 3, 1, 1) * 255 for values in statistics(normalise))
    return (images.to(torch.float32) - mean) / std


@functools.cache
def constant(values: tuple[float, ...], device: torch.device) -> Tensor:
    """float32, made once for each device: copying it over anew in each step would make the GPU wait."""
    return torch.tensor(values, dtype=torch.float32, device=device)


@dataclass(frozen=True)
class Bank:
    """All training images on one device: IDD-lite's 1403 take 408 MB with their labels, so that no loader is needed.

    images uint8[N, 3, H, W], labels uint8[N, H, W]; the first `real` are IDD-lite's, the rest drawn.
    spots int64[N, 2, SPOTS, 2]: row and column of pixels of the two rare classes; has bool[N, 2]: whether it has any.
    """

    images: Tensor
    labels: Tensor
    spots: Tensor
    has: Tensor
    real: int

    def __len__(self) -> int:
        return len(self.images)

    @classmethod
    def of(cls, real: Source | None, drawn: Source | None, device: torch.device) -> Bank:
        """Raises ValueError if the two are of different sizes or both missing."""
        sources = [source for source in (real, drawn) if source]
        if not sources:
            raise ValueError("there is nothing to train on: neither IDD-lite nor drawn scenes")
        if len({source.labels.shape[1:] for source in sources}) > 1:
            raise ValueError("the drawn scenes and the images are not of one size")
        labels = np.concatenate([source.labels for source in sources])
        spots, has = rare_spots(labels)
        images = torch.cat([torch.from_numpy(source.images).permute(0, 3, 1, 2) for source in sources])
        return cls(
            images.contiguous().to(device),
            torch.from_numpy(labels).to(device),
            torch.from_numpy(spots).to(device),
            torch.from_numpy(has).to(device),
            len(real) if real else 0,
        )


def rare_spots(labels: Bytes) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """For each image and rare class some of its pixels, and whether it has any; the same choice each time."""
    spots = np.zeros((len(labels), len(RARE), SPOTS, 2), np.int64)
    has = np.zeros((len(labels), len(RARE)), np.bool_)
    for index, label in enumerate(labels):
        for place, rare in enumerate(RARE):
            found = np.argwhere(label == rare)
            if len(found):
                chosen = np.random.default_rng([index, rare]).integers(len(found), size=SPOTS)
                spots[index, place], has[index, place] = found[chosen], True
    return spots, has
