"""What an epoch shows: chances drawn beforehand by numpy, carried out on whole batches by torch, on any device.

All chances of an epoch depend on (seed, epoch) alone, and those of a step on its place in the epoch: that is what
makes resuming exact, and a training on a GPU see the same crops as one on a CPU.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from baselines.config import Config
from baselines.data import IGNORE, SPOTS, Bank, constant, normalised

MOST_DEGREES = 8.0
_BLUR = (0.0625, 0.25, 0.375, 0.25, 0.0625)  # binomial, a Gaussian of deviation 1


@dataclass(frozen=True)
class Plan:
    """The chances of one epoch, float32 unless said; n images in their order, of which `batch` make a step."""

    batch: int
    order: Tensor  # int64[n]: place in the bank
    scale: Tensor  # [n]
    angle: Tensor  # [n], radians
    mirror: Tensor  # [n]: -1 or 1
    shift: Tensor  # [n, 2], pixels of the output: right, down
    place: Tensor  # [n, 2]: of the crop's centre, 0..1 within what is possible
    rare: Tensor  # int64[n]: -1, or which rare class the crop must hold
    spot: Tensor  # int64[n]: which of its pixels
    colour: Tensor  # [n, 6]: saturation, contrast, brightness, cast of red, green, blue
    blurred: Tensor  # bool[n]
    patch: Tensor  # [n, 4]: left, top, width, height, 0..1, of the piece taken from the next image; width 0 for none

    @property
    def steps(self) -> int:
        return len(self.order) // self.batch


def plan(config: Config, real: int, drawn: int, epoch: int, device: torch.device) -> Plan:
    """Draw an epoch: all `real` images and some of the `drawn`, or all drawn ones where that is all."""
    rng = np.random.default_rng(np.random.SeedSequence([config.seed, epoch]))
    shown = np.arange(real)
    if drawn:
        count = min(config.drawn_per_epoch, drawn) if real else drawn
        shown = np.concatenate([shown, real + rng.choice(drawn, count, replace=False)])
    order = rng.permutation(shown)
    n = len(order)

    def spread(width: float, *more: int) -> NDArray[np.float64]:
        return rng.uniform(-width, width, (n, *more))

    def happens(share: float) -> NDArray[np.bool_]:
        return rng.random(n) < share

    jitter = config.jitter
    side = np.sqrt(rng.uniform(0.1, 0.5, n)) * happens(config.cutmix)
    chances: dict[str, NDArray[np.generic]] = {
        "scale": np.exp(rng.uniform(math.log(config.scale_min), math.log(config.scale_max), n)),
        "angle": spread(math.radians(MOST_DEGREES)) * happens(config.rotate),
        "mirror": np.where(happens(config.flip), -1, 1),
        "shift": rng.integers(0, config.shift + 1, (n, 2)),
        "place": rng.random((n, 2)),
        "colour": np.concatenate([spread(jitter, 2), spread(jitter * 1.5, 1), spread(jitter * 0.4, 3)], axis=1),
        "patch": np.stack([*(rng.random((2, n)) * (1 - side)), side, side], axis=1),
    }
    tensors = {key: torch.from_numpy(value.astype(np.float32)).to(device) for key, value in chances.items()}
    whole: dict[str, NDArray[np.generic]] = {
        "order": order,
        "rare": np.where(happens(config.rare_crops), rng.integers(0, 2, n), -1),
        "spot": rng.integers(0, SPOTS, n),
        "blurred": happens(config.blur),
    }
    tensors |= {key: torch.from_numpy(value).to(device) for key, value in whole.items()}
    return Plan(config.batch, **tensors)


def batch(bank: Bank, epoch: Plan, step: int, config: Config) -> tuple[Tensor, Tensor]:
    """One step: normalised images float32[N, 3, H, W], channels last in memory, and labels int64[N, H, W]."""
    part = slice(step * epoch.batch, (step + 1) * epoch.batch)
    chosen = epoch.order[part]
    x, y = windows(bank, epoch, part, config)
    images = crop(bank.images[chosen], *finer(x, y, bank, config), config)
    labels, inside = crop_labels(bank.labels[chosen], x, y)
    images = colour(images, epoch.colour[part], epoch.blurred[part], config) * inside[:, None]
    labels = labels.masked_fill(~inside, IGNORE)
    images, labels = cutmix(images, labels, epoch.patch[part]) if config.cutmix else (images, labels)
    if config.classes == 8:
        labels = labels.masked_fill(labels == IGNORE, 7)
    return images.contiguous(memory_format=torch.channels_last), labels


def windows(bank: Bank, epoch: Plan, part: slice, config: Config) -> tuple[Tensor, Tensor]:
    """Where each output pixel's centre lies in its source, in pixels: x and y, float32[N, H, W].

    A window is the source's size divided by the scale, placed within the source (or the source within it, where it is
    the larger one), around a pixel of a rare class where that was drawn and there is one; then turned and mirrored.
    """
    chosen, scale = epoch.order[part], epoch.scale[part]
    device = scale.device
    size = constant((float(bank.labels.shape[2]), float(bank.labels.shape[1])), device)  # width, height
    window = size / scale[:, None]  # [N, 2]
    low, high = torch.minimum(window / 2, size - window / 2), torch.maximum(window / 2, size - window / 2)
    wanted = epoch.rare[part].clamp(min=0)
    use = (epoch.rare[part] >= 0) & bank.has[chosen, wanted]
    spot = bank.spots[chosen, wanted, epoch.spot[part]].flip(1) + 0.5  # [N, 2]: x, y
    low = torch.where(use[:, None], torch.maximum(low, spot - window / 2), low)
    high = torch.where(use[:, None], torch.minimum(high, spot + window / 2), high)
    centre = low + (high - low) * epoch.place[part]
    across, down = (
        (torch.arange(int(n), device=device, dtype=torch.float32) + 0.5) / n - 0.5
        for n in (config.width, config.height)
    )
    moved = epoch.shift[part] / constant((float(config.width), float(config.height)), device)  # [N, 2]
    dx = (across[None] - moved[:, :1]) * window[:, :1] * epoch.mirror[part][:, None]  # [N, W]
    dy = (down[None] - moved[:, 1:]) * window[:, 1:]  # [N, H]
    cos, sin = torch.cos(epoch.angle[part])[:, None, None], torch.sin(epoch.angle[part])[:, None, None]
    x = centre[:, 0, None, None] + cos * dx[:, None, :] - sin * dy[:, :, None]
    y = centre[:, 1, None, None] + sin * dx[:, None, :] + cos * dy[:, :, None]
    return x, y


def finer(x: Tensor, y: Tensor, bank: Bank, config: Config) -> tuple[Tensor, Tensor, int]:
    """The same places on a grid twice as fine where the source is shrunk by more than a fifth, and how fine it is.

    Taking single points then would show the network an aliased image that it never meets in `baselines.predict`.
    """
    shrunk = max(bank.labels.shape[1] / config.height, bank.labels.shape[2] / config.width) / config.scale_min
    if shrunk < 1.2 or min(config.height, config.width) < 2:
        return x, y, 1
    return _halved(x), _halved(y), 2


def _halved(x: Tensor) -> Tensor:
    """[N, H, W] -> [N, 2H, 2W]: each value a quarter of a step to both sides; exact, since places are linear."""
    right, below = (x[:, :1, 1:2] - x[:, :1, :1]) / 4, (x[:, 1:2, :1] - x[:, :1, :1]) / 4
    rows = torch.stack([x - below, x + below], dim=2).flatten(1, 2)
    return torch.stack([rows - right, rows + right], dim=3).flatten(2, 3)


def crop(images: Tensor, x: Tensor, y: Tensor, fine: int, config: Config) -> Tensor:
    """Bilinear samples of uint8[N, 3, h, w] at those places, normalised: float32[N, 3, H, W]."""
    height, width = images.shape[-2:]
    grid = torch.stack([x * (2 / width) - 1, y * (2 / height) - 1], dim=-1)
    sampled = functional.grid_sample(
        normalised(images, config.normalise), grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    return functional.avg_pool2d(sampled, fine) if fine > 1 else sampled


def crop_labels(labels: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Nearest labels at those places, int64[N, H, W], and which places lie inside, bool[N, H, W]."""
    height, width = labels.shape[-2:]
    column, row = x.floor().long(), y.floor().long()
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    index = torch.arange(len(labels), device=labels.device)[:, None, None]
    return labels[index, row.clamp(0, height - 1), column.clamp(0, width - 1)].long(), inside


def colour(images: Tensor, factors: Tensor, blurred: Tensor, config: Config) -> Tensor:
    """Saturation, contrast, brightness and a colour cast on normalised images, and for some a blur."""
    if config.jitter:
        saturation, contrast, brightness, *_ = factors[:, :, None, None, None].unbind(1)
        grey = images.mean(dim=1, keepdim=True)
        images = (grey + (images - grey) * (1 + saturation)) * (1 + contrast)
        images = images + brightness + factors[:, 3:, None, None]
    if config.blur:
        kernel = constant(_BLUR, images.device).view(1, 1, 1, 5).expand(3, 1, 1, 5)
        soft = functional.conv2d(functional.pad(images, (2, 2, 0, 0), mode="replicate"), kernel, groups=3)
        soft = functional.conv2d(functional.pad(soft, (0, 0, 2, 2), mode="replicate"), kernel.mT, groups=3)
        images = torch.where(blurred[:, None, None, None], soft, images)
    return images


def cutmix(images: Tensor, labels: Tensor, patch: Tensor) -> tuple[Tensor, Tensor]:
    """Put a piece of the batch's next image into each: Yun et al., "CutMix", ICCV 2019 (arXiv:1905.04899)."""
    height, width = labels.shape[-2:]
    across = (torch.arange(width, device=labels.device) + 0.5) / width
    down = (torch.arange(height, device=labels.device) + 0.5) / height
    left, top, wide, tall = patch[:, :, None].unbind(1)  # each [N, 1]
    inside = ((down > top) & (down < top + tall))[:, :, None] & ((across > left) & (across < left + wide))[:, None, :]
    images = torch.where(inside[:, None], images.roll(1, 0), images)
    return images, torch.where(inside, labels.roll(1, 0), labels)
