"""Batch norms folded into the convolutions before them, for inference: the same function in fewer passes.

A block that has batch norms offers `fuse()`, which folds its own; `fuse(network)` calls them all. It can't be undone.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn


@runtime_checkable
class Fusible(Protocol):
    def fuse(self) -> None: ...


class Affine(nn.Module):
    """[N, c, H, W] -> the same shape: scale * x + shift per channel."""

    def __init__(self, scale: Tensor, shift: Tensor) -> None:
        super().__init__()
        self.register_buffer("scale", scale.view(1, -1, 1, 1).clone())
        self.register_buffer("shift", shift.view(1, -1, 1, 1).clone())

    def forward(self, x: Tensor) -> Tensor:
        return torch.addcmul(self.get_buffer("shift"), x, self.get_buffer("scale"))


def affine(norm: nn.Module) -> tuple[Tensor, Tensor]:
    """Scale and shift, each float[c], that a batch norm applies in evaluation."""
    if not isinstance(norm, nn.BatchNorm2d) or norm.running_var is None or norm.running_mean is None:
        raise TypeError(
            f"{type(norm).__name__} is no batch norm with running statistics: is the network fused already?"
        )
    scale = norm.weight.detach() / torch.sqrt(norm.running_var + norm.eps)
    return scale, norm.bias.detach() - norm.running_mean * scale


@torch.no_grad()
def absorb(conv: nn.Conv2d | nn.ConvTranspose2d, scale: Tensor, shift: Tensor) -> None:
    """Make `conv` yield scale * conv(x) + shift; both float[outputs]. It gets a bias if it has none."""
    if conv.bias is None:
        conv.bias = nn.Parameter(torch.zeros_like(shift))
    if isinstance(conv, nn.ConvTranspose2d):  # weight [inputs, outputs, kh, kw]
        conv.weight.mul_(scale.view(1, -1, 1, 1))
    else:  # weight [outputs, inputs / groups, kh, kw]
        conv.weight.mul_(scale.view(-1, 1, 1, 1))
    conv.bias.mul_(scale).add_(shift)


def fuse(network: nn.Module) -> nn.Module:
    """Switch to evaluation and fold every batch norm that a block offers to fold; returns the same, changed network."""
    network.eval()
    for module in list(network.modules()):
        if isinstance(module, Fusible):
            module.fuse()
    return network
