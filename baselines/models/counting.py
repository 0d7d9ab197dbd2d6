"""Parameters and multiply-adds, by the convention of BASELINES.md section 3."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Size:
    parameters: int  # all: convolutions' weights and biases, batch norms' scales and shifts
    conv_weights: int  # convolutions' weights alone, as the thesis' Table 4.2 counts
    gmac: float  # 1e9 multiply-adds of the convolutions for one image; biases, norms and activations aren't counted


def count(network: nn.Module, height: int = 128, width: int = 256) -> Size:
    """Size of an unfused network for one height x width image.

    A transposed convolution costs kh * kw * inputs * outputs per *input* pixel, which is what it truly multiplies.
    """
    total = 0

    def add(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        assert isinstance(module, nn.Conv2d | nn.ConvTranspose2d)
        place = inputs[0] if isinstance(module, nn.ConvTranspose2d) else output
        total += module.weight.numel() * place.shape[-2] * place.shape[-1]

    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    hooks = [m.register_forward_hook(add) for m in convolutions]
    training = network.training
    try:
        with torch.inference_mode():
            network.eval()(torch.zeros(1, 3, height, width))
    finally:
        network.train(training)
        for hook in hooks:
            hook.remove()
    return Size(
        parameters=sum(p.numel() for p in network.parameters()),
        conv_weights=sum(m.weight.numel() for m in convolutions),
        gmac=total / 1e9,
    )
