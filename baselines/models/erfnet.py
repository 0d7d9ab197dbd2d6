"""ERFNet: blocks and the full network.

Romera, Alvarez, Bergasa, Arroyo: "ERFNet: Efficient Residual Factorized ConvNet for Real-time Semantic
Segmentation", IEEE Transactions on Intelligent Transportation Systems 2018. Written from the paper's Table 1.

    erfnet   2 063 411 parameters for 7 classes, 1.6565 GMAC at 128 x 256 (3.6235 at 224 x 320)
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from baselines.models.fusing import Affine, absorb, affine
from baselines.models.network import EncoderDecoder

EPSILON = 1e-3  # of every batch norm, as in the paper's code


class Down(nn.Module):
    """[N, i, H, W] -> [N, o, H/2, W/2]: a strided convolution beside a max-pool, concatenated in this order."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs - inputs, 3, stride=2, padding=1)
        self.norm: nn.Module = nn.BatchNorm2d(outputs, eps=EPSILON)
        self.pooled: nn.Module = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([self.conv(x), self.pooled(functional.max_pool2d(x, 2))], dim=1)
        return functional.relu(self.norm(x))

    def fuse(self) -> None:
        split = self.conv.out_channels
        scale, shift = affine(self.norm)
        absorb(self.conv, scale[:split], shift[:split])
        self.pooled, self.norm = Affine(scale[split:], shift[split:]), nn.Identity()


class Up(nn.Module):
    """[N, i, H, W] -> [N, o, 2H, 2W]"""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1)
        self.norm: nn.Module = nn.BatchNorm2d(outputs, eps=EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.norm(self.conv(x)))

    def fuse(self) -> None:
        absorb(self.conv, *affine(self.norm))
        self.norm = nn.Identity()


class NonBottleneck1D(nn.Module):
    """[N, c, H, W] -> the same: two 3 x 3 convolutions, each factorised into 3 x 1 and 1 x 3; the second is dilated."""

    def __init__(self, channels: int, dropout: float, dilation: int = 1) -> None:
        super().__init__()
        d = dilation
        self.conv1 = nn.Conv2d(channels, channels, (3, 1), padding=(1, 0))
        self.conv2 = nn.Conv2d(channels, channels, (1, 3), padding=(0, 1))
        self.norm1: nn.Module = nn.BatchNorm2d(channels, eps=EPSILON)
        self.conv3 = nn.Conv2d(channels, channels, (3, 1), padding=(d, 0), dilation=(d, 1))
        self.conv4 = nn.Conv2d(channels, channels, (1, 3), padding=(0, d), dilation=(1, d))
        self.norm2: nn.Module = nn.BatchNorm2d(channels, eps=EPSILON)
        self.dropout = nn.Dropout2d(dropout)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.conv1(x))
        y = functional.relu(self.norm1(self.conv2(y)))
        y = functional.relu(self.conv3(y))
        y = self.dropout(self.norm2(self.conv4(y)))
        return functional.relu(y + x)

    def fuse(self) -> None:
        absorb(self.conv2, *affine(self.norm1))
        absorb(self.conv4, *affine(self.norm2))
        self.norm1, self.norm2 = nn.Identity(), nn.Identity()


class Erfnet(EncoderDecoder):
    """[N, 3, H, W] -> logits [N, classes, H, W]. `dropout` is that of the deep stage; the shallow one has a tenth."""

    features = 128

    def __init__(self, classes: int = 7, dropout: float = 0.3) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            Down(3, 16),  # [16, H/2, W/2]
            Down(16, 64),  # [64, H/4, W/4]
            *(NonBottleneck1D(64, dropout / 10) for _ in range(5)),
            Down(64, 128),  # [128, H/8, W/8]
            *(NonBottleneck1D(128, dropout, dilation) for dilation in (2, 4, 8, 16, 2, 4, 8, 16)),
        )
        self.decoder = nn.Sequential(
            Up(128, 64),  # [64, H/4, W/4]
            *(NonBottleneck1D(64, 0.0) for _ in range(2)),
            Up(64, 16),  # [16, H/2, W/2]
            *(NonBottleneck1D(16, 0.0) for _ in range(2)),
            nn.ConvTranspose2d(16, classes, 2, stride=2),  # [classes, H, W]
        )
