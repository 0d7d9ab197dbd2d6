"""The bundled networks by name.

`NETWORKS[name](classes=7, dropout=...)` builds one. Each takes images float[N, 3, H, W] of any size, normalised as
`baselines.predict` does, and returns logits float[N, classes, H, W]; `encode` and `decode` are its two halves.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import nn

from baselines.models.counting import Size, count
from baselines.models.erfnet import ErfnetCompressed, depthwise_separable
from baselines.models.fusing import fuse

__all__ = ["NETWORKS", "Size", "count", "fuse"]

NETWORKS: dict[str, Callable[..., nn.Module]] = {
    "erfnet_compressed": ErfnetCompressed,
    "dws": partial(ErfnetCompressed, module=depthwise_separable(1)),
    "dws_g2": partial(ErfnetCompressed, module=depthwise_separable(2)),
    "dws_g4": partial(ErfnetCompressed, module=depthwise_separable(4)),
    "dws_g8": partial(ErfnetCompressed, module=depthwise_separable(8)),
}
