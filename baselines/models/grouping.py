"""Depthwise-separable and grouped ERFNets: D, DG2, DG4 and DG8 of the thesis' Table 4.2, here `dws` to `dws_g8`.

Vallurupalli, Annamaneni, Varma, Jawahar, Mathew, Nagori: "Efficient Semantic Segmentation using Gradual Grouping",
CVPR workshops 2018. The layout of the full-size networks is not written down there in all detail: it is inferred from
the five counts of the thesis' table, all of which it meets exactly (convolution weights alone, 20 classes):

    erfnet_plain 2 038 448   dws_full 547 120   dws_g2_full 395 568   dws_g4_full 319 792   dws_g8_full 281 904

The networks the thesis trained on IDD-lite are the same modules in the compressed layout: see `thesis.py`.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from baselines.models.erfnet import EPSILON, NonBottleneck1D, Up
from baselines.models.fusing import absorb, affine
from baselines.models.network import EncoderDecoder

Module = Callable[[int, float, int], nn.Module]  # (channels, dropout, dilation) -> a block that keeps the shape


class DepthwiseSeparable(nn.Module):
    """[N, c, H, W] -> the same: two times depthwise 3 x 3 (the second dilated) and pointwise 1 x 1 in `groups`.

    The dilated depthwise convolution stays in float32 under autocast: its bfloat16 weight gradient on the CPU (torch
    2.13, AVX512_BF16) now and then reads memory that nobody wrote. Measured: one of five repeats of the same backward
    pass differed, in that weight only, and a training ended in NaN.
    """

    def __init__(self, channels: int, dropout: float, dilation: int = 1, groups: int = 1) -> None:
        super().__init__()
        c, d = channels, dilation
        self.depthwise1 = nn.Conv2d(c, c, 3, padding=1, groups=c)
        self.pointwise1 = nn.Conv2d(c, c, 1, groups=groups)
        self.norm1: nn.Module = nn.BatchNorm2d(c, eps=EPSILON)
        self.depthwise2 = nn.Conv2d(c, c, 3, padding=d, dilation=d, groups=c)
        self.pointwise2 = nn.Conv2d(c, c, 1, groups=groups)
        self.norm2: nn.Module = nn.BatchNorm2d(c, eps=EPSILON)
        self.dropout = nn.Dropout2d(dropout)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.norm1(self.pointwise1(self.depthwise1(x))))
        if self.training:
            with torch.autocast(y.device.type, enabled=False):
                y = self.depthwise2(y.float())
        else:
            y = self.depthwise2(y)
        y = self.dropout(self.norm2(self.pointwise2(y)))
        return functional.relu(y + x)

    def fuse(self) -> None:
        absorb(self.pointwise1, *affine(self.norm1))
        absorb(self.pointwise2, *affine(self.norm2))
        self.norm1, self.norm2 = nn.Identity(), nn.Identity()


def depthwise_separable(groups: int) -> Module:
    """A maker of modules whose 1 x 1 convolutions have `groups` groups."""

    def module(channels: int, dropout: float, dilation: int) -> nn.Module:
        return DepthwiseSeparable(channels, dropout, dilation, groups)

    return module


class PlainDown(nn.Module):
    """[N, i, H, W] -> [N, o, H/2, W/2]: a strided convolution alone, without ERFNet's max-pool beside it."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(outputs, eps=EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.norm(self.conv(x)))

    def fuse(self) -> None:
        absorb(self.conv, *affine(self.norm))
        self.norm = nn.Identity()


class GradualGrouping(EncoderDecoder):
    """[N, 3, H, W] -> logits [N, classes, H, W]; `module` makes the encoder's blocks, the decoder's are ERFNet's."""

    features = 128

    def __init__(self, classes: int = 7, module: Module = NonBottleneck1D, dropout: float = 0.3) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            PlainDown(3, 16),  # [16, H/2, W/2]
            PlainDown(16, 64),  # [64, H/4, W/4]
            *(module(64, dropout / 10, 1) for _ in range(5)),
            PlainDown(64, 128),  # [128, H/8, W/8]
            *(module(128, dropout, dilation) for dilation in (2, 4, 8, 16, 2, 4, 8, 16)),
        )
        self.decoder = nn.Sequential(
            Up(128, 64),  # [64, H/4, W/4]
            NonBottleneck1D(64, 0.0),
            Up(64, 16),  # [16, H/2, W/2]
            NonBottleneck1D(16, 0.0),
            nn.ConvTranspose2d(16, classes, 2, stride=2),  # [classes, H, W]
        )
