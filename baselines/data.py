"""Training images in memory, and how a batch is made from them.

Images are held as uint8 (IDD-lite's 1403 take 306 MB) and cropped, scaled and flipped by Pillow one at a time; the
colour changes of a batch are done by torch at once. What an epoch shows depends on (seed, epoch) alone: that is what
makes resuming at an epoch's end exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from baselines.config import Config

IGNORE = 255
RARE = (1, 2)  # non-drivable and living-things: 2.2 % and 1.3 % of IDD-lite's pixels
MEAN = (0.3576, 0.3713, 0.3657)  # of IDD-lite's training images
STD = (0.2612, 0.2727, 0.2947)

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


def batches(real: Source | None, drawn: Source | None, config: Config, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
    """One epoch of augmented batches: normalised images float32[N, 3, H, W] and labels int64[N, H, W].

    The last batch is dropped if it isn't full, so that batch norm never sees a single image.
    """
    rng = np.random.default_rng(np.random.SeedSequence([config.seed, epoch]))
    chosen: list[tuple[Source, int]] = [(real, i) for i in range(len(real))] if real else []
    if drawn:
        count = min(config.drawn_per_epoch, len(drawn)) if real else len(drawn)
        chosen += [(drawn, int(i)) for i in rng.choice(len(drawn), count, replace=False)]
    order = rng.permutation(len(chosen))
    for start in range(0, len(order) - config.batch + 1, config.batch):
        pairs = [augment(*pick(chosen[i]), config, rng) for i in order[start : start + config.batch]]
        images = normalise(np.stack([image for image, _ in pairs]))
        labels = torch.from_numpy(np.stack([label for _, label in pairs]).astype(np.int64))
        yield colour_jitter(images, config.jitter, rng), labels


def pick(entry: tuple[Source, int]) -> tuple[Bytes, Bytes]:
    source, index = entry
    return source.images[index], source.labels[index]


def augment(image: Bytes, label: Bytes, config: Config, rng: np.random.Generator) -> tuple[Bytes, Bytes]:
    """Scale, crop and flip one native image to the network's size; the label takes nearest pixels, padding is 255."""
    size = (config.width, config.height)
    scale = float(np.exp(rng.uniform(np.log(config.scale_min), np.log(config.scale_max))))
    picture, truth = Image.fromarray(image), Image.fromarray(label)
    if scale >= 1:
        box = crop_box(label, scale, config.rare_crops, rng)
        picture = picture.resize(size, Image.Resampling.BILINEAR, box=box)
        truth = truth.resize(size, Image.Resampling.NEAREST, box=box)
    else:
        small = (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))
        corner = (int(rng.integers(0, size[0] - small[0] + 1)), int(rng.integers(0, size[1] - small[1] + 1)))
        grey, blank = Image.new("RGB", size, tuple(int(255 * m) for m in MEAN)), Image.new("L", size, IGNORE)
        grey.paste(picture.resize(small, Image.Resampling.BILINEAR), corner)
        blank.paste(truth.resize(small, Image.Resampling.NEAREST), corner)
        picture, truth = grey, blank
    if rng.random() < config.flip:
        picture, truth = (p.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for p in (picture, truth))
    return np.asarray(picture), np.asarray(truth)


def crop_box(label: Bytes, scale: float, rare: float, rng: np.random.Generator) -> tuple[float, float, float, float]:
    """(left, top, right, bottom) of a window 1/scale the label's size; a share `rare` holds a rare class."""
    height, width = label.shape
    wide, tall = width / scale, height / scale
    left, top = rng.uniform(0, width - wide), rng.uniform(0, height - tall)
    if rng.random() < rare:
        rows, columns = np.nonzero(label == rng.choice(RARE))
        if len(rows):
            at = rng.integers(len(rows))
            left = rng.uniform(max(0.0, columns[at] + 1 - wide), min(float(columns[at]), width - wide))
            top = rng.uniform(max(0.0, rows[at] + 1 - tall), min(float(rows[at]), height - tall))
    return left, top, min(left + wide, width), min(top + tall, height)


def normalise(images: Bytes) -> Tensor:
    """uint8[N, H, W, 3] -> float32[N, 3, H, W], channels last in memory, mean 0 and deviation 1 over IDD-lite."""
    x = torch.from_numpy(images).permute(0, 3, 1, 2).to(torch.float32)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) * 255 for v in (MEAN, STD))
    return (x - mean) / std


def colour_jitter(images: Tensor, strength: float, rng: np.random.Generator) -> Tensor:
    """Brightness, contrast, saturation and a colour cast, drawn per image, on normalised images float32[N, 3, H, W]."""
    if strength == 0:
        return images
    count = len(images)

    def factors(spread: float, channels: int = 1) -> Tensor:
        return torch.from_numpy(rng.uniform(-spread, spread, (count, channels, 1, 1)).astype(np.float32))

    grey = images.mean(dim=1, keepdim=True)
    images = grey + (images - grey) * (1 + factors(strength))
    images = images * (1 + factors(strength))
    return images + factors(strength * 1.5) + factors(strength * 0.4, 3)
