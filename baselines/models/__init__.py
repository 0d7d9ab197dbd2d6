"""The bundled networks by name.

`NETWORKS[name](classes=7, dropout=...)` builds one, a `Network`: images float[N, 3, H, W] of any size, normalised as
`baselines.predict` does, become logits float[N, classes, H, W]. `python -m baselines.models` lists them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from baselines.models.counting import Size, count
from baselines.models.drn import DrnD22
from baselines.models.erfnet import Erfnet
from baselines.models.fusing import fuse
from baselines.models.grouping import GradualGrouping, depthwise_separable
from baselines.models.network import Network
from baselines.models.thesis import ErfnetCompressed, ErfnetV2
from baselines.models.unet import Unet

__all__ = ["NETWORKS", "Network", "Size", "count", "fuse"]

NETWORKS: dict[str, Callable[..., Network]] = {
    "erfnet": Erfnet,
    "erfnet_v2": ErfnetV2,
    "erfnet_compressed": ErfnetCompressed,
    "dws": partial(ErfnetCompressed, module=depthwise_separable(1)),
    "dws_g2": partial(ErfnetCompressed, module=depthwise_separable(2)),
    "dws_g4": partial(ErfnetCompressed, module=depthwise_separable(4)),
    "dws_g8": partial(ErfnetCompressed, module=depthwise_separable(8)),
    "drn_d_22": DrnD22,
    "unet": Unet,
    # the networks that the parameter column of the thesis' Table 4.2 counts; no weights are shipped for them
    "erfnet_plain": GradualGrouping,
    "dws_full": partial(GradualGrouping, module=depthwise_separable(1)),
    "dws_g2_full": partial(GradualGrouping, module=depthwise_separable(2)),
    "dws_g4_full": partial(GradualGrouping, module=depthwise_separable(4)),
    "dws_g8_full": partial(GradualGrouping, module=depthwise_separable(8)),
}
