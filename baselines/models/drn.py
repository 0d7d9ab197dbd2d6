"""DRN-D-22, which the thesis calls "DRNet-18" and its notebook `resnet_18`.

Yu, Koltun, Funkhouser: "Dilated Residual Networks", CVPR 2017 (arXiv:1705.09914), section 4 and Figure 5 (d).

    drn_d_22   15 886 135 parameters for 7 classes, 1 792 of them fixed; 8.515 GMAC at 128 x 256

The authors started from weights trained on ImageNet; ours starts from nothing, which its card says.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from baselines.models.network import ConvNorm, Network


class BasicBlock(nn.Module):
    """[N, i, H, W] -> [N, o, H/stride, W/stride]: two 3 x 3 convolutions beside a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.conv1 = ConvNorm(inputs, outputs, stride=stride, dilation=dilation)
        self.conv2 = ConvNorm(outputs, outputs, dilation=dilation, relu=False)
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else ConvNorm(inputs, outputs, kernel=1, stride=stride, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.conv2(self.conv1(x)) + self.shortcut(x))


class DrnD22(Network):
    """[N, 3, H, W] -> logits [N, classes, H, W]: the stride stops at 8, dilation takes its place."""

    features = 512

    def __init__(self, classes: int = 7, dropout: float = 0.0) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            ConvNorm(3, 16, kernel=7),  # [16, H, W]
            ConvNorm(16, 16),
            ConvNorm(16, 32, stride=2),  # [32, H/2, W/2]
            BasicBlock(32, 64, stride=2),  # [64, H/4, W/4]
            BasicBlock(64, 64),
            BasicBlock(64, 128, stride=2),  # [128, H/8, W/8]
            BasicBlock(128, 128),
            BasicBlock(128, 256, dilation=2),
            BasicBlock(256, 256, dilation=2),
            BasicBlock(256, 512, dilation=4),
            BasicBlock(512, 512, dilation=4),
            ConvNorm(512, 512, dilation=2),
            ConvNorm(512, 512),
        )
        self.dropout = nn.Dropout2d(dropout)  # not the paper's; 0 leaves it out
        self.head = nn.Conv2d(512, classes, 1)
        self.up = nn.ConvTranspose2d(classes, classes, 16, stride=8, padding=4, groups=classes, bias=False)
        self.initialise()

    @torch.no_grad()
    def initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                size = module.kernel_size[0] * module.kernel_size[1] * module.out_channels
                module.weight.normal_(0, math.sqrt(2 / size))
        assert self.head.bias is not None
        self.head.bias.zero_()
        ramp = 1 - (torch.arange(16) + 0.5 - 8).abs() / 8  # bilinear interpolation by 8; never trained
        self.up.weight.copy_((ramp[:, None] * ramp[None, :]).expand_as(self.up.weight))
        self.up.weight.requires_grad_(False)

    def encode(self, x: Tensor) -> list[Tensor]:
        return [self.encoder(x)]

    def decode(self, states: list[Tensor]) -> Tensor:
        logits: Tensor = self.up(self.head(self.dropout(states[-1])))
        return logits
