"""The thesis' own, smaller layouts of ERFNet.

Mishra: "Towards Enhancing Semantic Segmentation in Resource Constrained Settings", IIIT Hyderabad 2024. Table 4.1
(right) has the compressed layout, Table 4.2 names its variants; the notebook of section 3.8 has `erfnet_v2`.

Parameters for 7 classes (all / convolution weights only) and GMAC at 128 x 256:

    erfnet_compressed   478 131 / 474 655   0.524      dws_g4   200 115 / 196 639   0.2405
    dws                 236 979 / 233 503   0.278      dws_g8   193 971 / 190 495   0.234
    dws_g2              212 403 / 208 927   0.253      erfnet_v2   1 123 891 (8 classes: 1 123 956)
"""

from __future__ import annotations

from torch import nn

from baselines.models.erfnet import Down, NonBottleneck1D, Up
from baselines.models.grouping import Module
from baselines.models.network import EncoderDecoder


class ErfnetCompressed(EncoderDecoder):
    """[N, 3, H, W] -> logits [N, classes, H, W].

    `module` makes the encoder's residual blocks; the decoder's are always factorised (Table 4.2 counts them so).
    """

    features = 128

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


class ErfnetV2(EncoderDecoder):
    """[N, 3, H, W] -> logits [N, classes, H, W]: between the full and the compressed layout."""

    features = 128

    def __init__(self, classes: int = 7, dropout: float = 0.3) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            Down(3, 16),  # [16, H/2, W/2]
            Down(16, 64),  # [64, H/4, W/4]
            *(NonBottleneck1D(64, dropout / 10) for _ in range(2)),
            Down(64, 128),  # [128, H/8, W/8]
            *(NonBottleneck1D(128, dropout, dilation) for dilation in (2, 4, 8, 16)),
        )
        self.decoder = nn.Sequential(
            Up(128, 64),  # [64, H/4, W/4]
            *(NonBottleneck1D(64, 0.0) for _ in range(2)),
            Up(64, 16),  # [16, H/2, W/2]
            *(NonBottleneck1D(16, 0.0) for _ in range(2)),
            nn.ConvTranspose2d(16, classes, 2, stride=2),  # [classes, H, W]
        )
