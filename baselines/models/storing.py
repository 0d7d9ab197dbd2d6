"""Weights on disk: 8-bit integers with a scale for each output channel, half precision, or as they are.

int8       X.weight int8, X.weight.scale float32, broadcastable to it; the rest as in float16
float16    all of them
float32    all of them
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

Format = Literal["int8", "float16", "float32"]
FORMATS: tuple[Format, ...] = ("int8", "float16", "float32")  # the smallest first
SCALE = ".scale"
_LARGEST_HALF = 60_000.0
_CLIPS = torch.linspace(0.7, 1.0, 13)  # of a channel's largest weight: what is above it is rounded down to it


def narrow(network: nn.Module, how: Format) -> dict[str, Tensor]:
    """The network's weights as they are stored, on the CPU."""
    tensors = {key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}
    if how == "float32":
        return tensors
    channels = _channels(network) if how == "int8" else {}
    stored: dict[str, Tensor] = {}
    for key, value in tensors.items():
        if key in channels:
            stored[key], stored[key + SCALE] = to_int8(value, channels[key])
        elif value.is_floating_point() and float(value.abs().max()) < _LARGEST_HALF:
            stored[key] = value.half()
        else:
            stored[key] = value
    return stored


def widen(stored: dict[str, Tensor]) -> dict[str, Tensor]:
    """What `narrow` made as a state dict of float32 (and of the integers that were integers before)."""
    tensors = {}
    for key, value in stored.items():
        if key + SCALE in stored:
            tensors[key] = value.float() * stored[key + SCALE]
        elif not key.endswith(SCALE) or key.removesuffix(SCALE) not in stored:
            tensors[key] = value.float() if value.is_floating_point() else value
    return tensors


def to_int8(weight: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    """Rounded weights and the scale of each output channel, which lie along dimension `channels`.

    The scale is the one of 13 with the least squared error; a channel of zeros keeps the scale 1.
    """
    others = [dim for dim in range(weight.ndim) if dim != channels]
    largest = weight.abs().amax(dim=others, keepdim=True)
    scales = torch.where(largest > 0, largest / 127, 1.0) * _CLIPS.view(-1, *[1] * weight.ndim)
    rounded = (weight / scales).round().clamp(-127, 127)  # [13, *weight.shape]
    error = (rounded * scales - weight).square().sum(dim=[dim + 1 for dim in others], keepdim=True)
    best = error.argmin(dim=0, keepdim=True)
    scale = scales.gather(0, best)[0]
    return (weight / scale).round().clamp(-127, 127).to(torch.int8).contiguous(), scale.contiguous()


def _channels(network: nn.Module) -> dict[str, int]:
    """Weights that may be rounded, and along which dimension their output channels lie."""
    found = {}
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            found[f"{name}.weight"] = 0
        elif isinstance(module, nn.ConvTranspose2d) and module.groups == 1:
            found[f"{name}.weight"] = 1
    return found
