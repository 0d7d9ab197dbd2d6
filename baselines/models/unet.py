"""UNet with four levels, the one whose size the thesis' Table 5.1 prints.

Ronneberger, Fischer, Brox: "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015
(arXiv:1505.04597). Padded convolutions with batch norm, and bilinear upsampling without parameters: the paper's own
2 x 2 transposed convolutions give 7 700 551 parameters, this gives the printed 7.786 million.

    unet   7 786 119 parameters for 7 classes, 21.211 GMAC at 128 x 256
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from baselines.models.network import ConvNorm, Network


class DoubleConv(nn.Sequential):
    """[N, i, H, W] -> [N, o, H, W]"""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(ConvNorm(inputs, outputs), ConvNorm(outputs, outputs))


class Unet(Network):
    """[N, 3, H, W] -> logits [N, classes, H, W]"""

    features = 512

    def __init__(self, classes: int = 7, dropout: float = 0.0) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            [
                DoubleConv(3, 64),  # [64, H, W]
                DoubleConv(64, 128),  # [128, H/2, W/2]
                DoubleConv(128, 256),  # [256, H/4, W/4]
                DoubleConv(256, 512),  # [512, H/8, W/8]
            ]
        )
        self.dropout = nn.Dropout2d(dropout)  # not the paper's; 0 leaves it out
        self.up = nn.ModuleList([DoubleConv(512 + 256, 256), DoubleConv(256 + 128, 128), DoubleConv(128 + 64, 64)])
        self.head = nn.Conv2d(64, classes, 1)

    def encode(self, x: Tensor) -> list[Tensor]:
        states = []
        for level, block in enumerate(self.down):
            x = block(functional.max_pool2d(x, 2) if level else x)
            states.append(x)
        return states

    def decode(self, states: list[Tensor]) -> Tensor:
        *skips, x = states
        x = self.dropout(x)
        for block, skip in zip(self.up, reversed(skips), strict=True):
            x = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = block(torch.cat([x, skip], dim=1))
        logits: Tensor = self.head(x)
        return logits
