"""ERFNet's blocks and the compressed family built from them.

Romera, Alvarez, Bergasa, Arroyo: "ERFNet: Efficient Residual Factorized ConvNet for Real-time Semantic
Segmentation", IEEE T-ITS 2018; the compressed layout and the depthwise/grouped modules are those of Mishra, "Towards
Enhancing Semantic Segmentation in Resource Constrained Settings", IIIT Hyderabad 2024, Tables 4.1 and 4.2.

Parameters for 7 classes (all / convolution weights only) and GMAC at 128 x 256:

    erfnet_compressed   478 131 / 474 655   0.524      dws_g4   200 115 / 196 639   0.2405
    dws                 236 979 / 233 503   0.278      dws_g8   193 971 / 190 495   0.234
    dws_g2              212 403 / 208 927   0.253
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from baselines.models.fusing import Affine, absorb, affine

EPSILON = 1e-3  # of every batch norm, as in the paper's code
STRIDE = 8  # of the encoder: inputs are padded to a multiple of it


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
        with torch.autocast(y.device.type, enabled=False):
            y = self.depthwise2(y.float())
        y = self.dropout(self.norm2(self.pointwise2(y)))
        return functional.relu(y + x)

    def fuse(self) -> None:
        absorb(self.pointwise1, *affine(self.norm1))
        absorb(self.pointwise2, *affine(self.norm2))
        self.norm1, self.norm2 = nn.Identity(), nn.Identity()


Module = Callable[[int, float, int], nn.Module]  # (channels, dropout, dilation) -> a block that keeps the shape


class ErfnetCompressed(nn.Module):
    """[N, 3, H, W] float -> logits [N, classes, H, W], any H and W.

    `module` makes the encoder's residual blocks; the decoder's are always factorised (Table 4.2 counts them so).
    """

    def __init__(self, classes: int = 7, module: Module = NonBottleneck1D, dropout: float = 0.3) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            Down(3, 16),  # [16, H/2, W/2]
            Down(16, 64),  # [64, H/4, W/4]
            module(64, dropout / 10, 1),
            module(64, dropout / 10, 1),
            Down(64, 128),  # [128, H/8, W/8]
            module(128, dropout, 2),
        )
        self.decoder = nn.Sequential(
            Up(128, 64),  # [64, H/4, W/4]
            NonBottleneck1D(64, 0.0),
            Up(64, 16),  # [16, H/2, W/2]
            NonBottleneck1D(16, 0.0),
            nn.ConvTranspose2d(16, classes, 2, stride=2),  # [classes, H, W]
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x), x)

    def encode(self, x: Tensor) -> Tensor:
        """Features [N, 128, ceil(H/8), ceil(W/8)]; the borders are padded by repeating the last pixel."""
        height, width = x.shape[-2:]
        if height % STRIDE or width % STRIDE:
            x = functional.pad(x, (0, -width % STRIDE, 0, -height % STRIDE), mode="replicate")
        features: Tensor = self.encoder(x)
        return features

    def decode(self, features: Tensor, like: Tensor) -> Tensor:
        """Logits of the size of `like`, the input that `features` came from."""
        logits: Tensor = self.decoder(features)
        return logits[..., : like.shape[-2], : like.shape[-1]]


def depthwise_separable(groups: int) -> Module:
    def module(channels: int, dropout: float, dilation: int) -> nn.Module:
        return DepthwiseSeparable(channels, dropout, dilation, groups)

    return module
