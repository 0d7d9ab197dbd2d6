"""What runs in the container: a bundled baseline as an ordinary code submission.

The run-time image's runner calls `load()` once and then `predict(image)` for each image. Beside this file lie
`model.json` (which network, which input size), `weights.safetensors` and the package `baselines.models`, put
together by `python -m baselines.package NAME`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file
from torch import nn

from baselines.models import NETWORKS, fuse
from baselines.models.storing import widen

HERE = Path(__file__).parent
SCORE_SIZE = (256, 128)  # width, height at which the platform scores
CLASSES = 7


class Loaded(NamedTuple):
    network: nn.Module
    size: tuple[int, int]  # width, height of the network's input
    scale: NDArray[np.float32]  # normalised = pixel * scale + shift, per colour
    shift: NDArray[np.float32]


_loaded: Loaded | None = None


def load() -> None:
    """Read the network beside this file; called once, before the first image."""
    global _loaded
    torch.set_num_threads(threads())
    _loaded = read(HERE)
    predict(np.zeros((227, 320, 3), np.uint8))  # the first call is slow: kernels are chosen in it


def threads() -> int:
    """As the platform says, which counts our cores; elsewhere as many as this process may use."""
    return int(os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0)))


def read(directory: Path) -> Loaded:
    """The network described by `directory`, its batch norms folded into its convolutions, channels last."""
    facts = json.loads((directory / "model.json").read_text(encoding="utf-8"))
    network = NETWORKS[facts["network"]](classes=facts.get("outputs", CLASSES))
    network.load_state_dict(widen(load_file(directory / "weights.safetensors")))
    fused = fuse(network).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    mean, std = (np.array(facts[key], dtype=np.float32) for key in ("mean", "std"))
    scale: NDArray[np.float32] = (1 / (255 * std)).astype(np.float32)
    return Loaded(fused, (facts["width"], facts["height"]), scale, -mean / std)


def predict(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Label map uint8[128, 256], classes 0..6 at scoring size, of an RGB image uint8[H, W, 3] of any size."""
    if _loaded is None:
        load()
    assert _loaded is not None
    return classify(_loaded, image)


@torch.inference_mode()
def classify(loaded: Loaded, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """As `predict`, with the network given. Logits are resized, never labels; an eighth output is no answer."""
    small = Image.fromarray(image).resize(loaded.size, Image.Resampling.BILINEAR)
    pixels = np.asarray(small, np.float32) * loaded.scale + loaded.shift  # [h, w, 3]
    logits = loaded.network(torch.from_numpy(pixels).permute(2, 0, 1)[None])[:, :CLASSES]  # [1, 7, h, w]
    if logits.shape[-2:] != SCORE_SIZE[::-1]:
        logits = nn.functional.interpolate(logits, SCORE_SIZE[::-1], mode="bilinear", align_corners=False)
    return np.asarray(logits[0].argmax(dim=0).to(torch.uint8).numpy())
