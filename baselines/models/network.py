"""What all bundled networks share: any input size, two halves, and a convolution with its batch norm."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from baselines.models.fusing import absorb, affine


class Network(nn.Module):
    """[N, 3, H, W] float -> logits [N, classes, H, W], any H and W.

    A network defines `encode` and `decode` for sizes that are multiples of `stride`; other inputs are padded at the
    right and at the bottom by repeating their last pixels, and the logits are cropped.
    """

    stride = 8
    features: int  # channels of the encoder's last features, which lie on a grid of H / 8 x W / 8

    def encode(self, x: Tensor) -> list[Tensor]:
        """Features from fine to coarse; the last are [N, features, H / 8, W / 8]."""
        raise NotImplementedError

    def decode(self, states: list[Tensor]) -> Tensor:
        """Logits [N, classes, H, W] from what `encode` returned."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        return self.both(x)[0]

    def both(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits, and the encoder's last features (for an auxiliary loss).

        Raises ValueError, with the remedy, for what is no batch of normalised colour images.
        """
        if x.ndim != 4 or x.shape[1] != 3 or 0 in x.shape:
            raise ValueError(
                f"the input has shape {list(x.shape)}, not [N, 3, H, W]: for one image of shape [H, W, 3], "
                "x.permute(2, 0, 1)[None]"
            )
        if not x.is_floating_point():
            raise ValueError(f"the input is {x.dtype}: normalise the pixels first, as baselines.predict does")
        height, width = x.shape[-2:]
        down, right = -height % self.stride, -width % self.stride
        states = self.encode(functional.pad(x, (0, right, 0, down), mode="replicate") if down or right else x)
        return self.decode(states)[..., :height, :width], states[-1]


class EncoderDecoder(Network):
    """A network whose halves are plain sequences, as all of ERFNet's family are."""

    encoder: nn.Sequential
    decoder: nn.Sequential

    def encode(self, x: Tensor) -> list[Tensor]:
        return [self.encoder(x)]

    def decode(self, states: list[Tensor]) -> Tensor:
        logits: Tensor = self.decoder(states[-1])
        return logits


class ConvNorm(nn.Module):
    """[N, i, H, W] -> [N, o, ceil(H / stride), ceil(W / stride)]: convolution without bias, norm, perhaps ReLU."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, dilation: int = 1, relu: bool = True
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            inputs, outputs, kernel, stride, padding=dilation * (kernel // 2), dilation=dilation, bias=False
        )
        self.norm: nn.Module = nn.BatchNorm2d(outputs)
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.conv(x))
        return torch.relu(x) if self.relu else x

    def fuse(self) -> None:
        absorb(self.conv, *affine(self.norm))
        self.norm = nn.Identity()
