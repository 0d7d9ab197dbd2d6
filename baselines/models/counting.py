"""Parameters and multiply-adds, by one convention for all networks (docs/baselines.md)."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Size:
    parameters: int  # all: convolutions' weights and biases, batch norms' scales and shifts
    conv_weights: int  # convolutions' weights alone, as the thesis' Table 4.2 counts
    gmac: float  # 1e9 multiply-adds of the convolutions for one image; biases, norms and activations aren't counted


def count(
    network: nn.Module, height: int = 128, width: int = 256, deconv_at: Literal["input", "output"] = "input"
) -> Size:
    """Size of an unfused network for one height x width image; nothing is computed, only shapes are followed.

    A transposed convolution costs kh * kw * inputs * outputs per *input* pixel, which is what it truly multiplies.
    Some counters (ptflops' old versions among them) take the output's pixels: `deconv_at="output"` does too.
    """
    shadow = copy.deepcopy(network).to("meta").eval()
    total = 0

    def add(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        assert isinstance(module, nn.Conv2d | nn.ConvTranspose2d)
        place = inputs[0] if isinstance(module, nn.ConvTranspose2d) and deconv_at == "input" else output
        total += module.weight.numel() * place.shape[-2] * place.shape[-1]

    convolutions = [m for m in shadow.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    for module in convolutions:
        module.register_forward_hook(add)
    with torch.inference_mode():
        shadow(torch.zeros(1, 3, height, width, device="meta"))
    return Size(
        parameters=sum(p.numel() for p in shadow.parameters()),
        conv_weights=sum(m.weight.numel() for m in convolutions),
        gmac=total / 1e9,
    )
