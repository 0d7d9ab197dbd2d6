"""What runs in the `onnx` container: a bundled baseline for ONNX Runtime instead of PyTorch.

Beside this file lie `model.json` (input size, normalisation) and `model.onnx`, which resizes the logits to the scoring
size itself; put together by `python -m baselines.package NAME --base onnx`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

HERE = Path(__file__).parent


class Loaded(NamedTuple):
    session: Any  # onnxruntime.InferenceSession
    size: tuple[int, int]  # width, height of the network's input
    scale: NDArray[np.float32]  # normalised = pixel * scale + shift, per colour
    shift: NDArray[np.float32]


_loaded: Loaded | None = None


def load() -> None:
    """Read the network beside this file; called once, before the first image."""
    global _loaded
    _loaded = read(HERE)
    predict(np.zeros((227, 320, 3), np.uint8))  # the first call is slow: memory is laid out in it


def read(directory: Path) -> Loaded:
    """A session with as many threads as the platform says: left alone it starts one for each core of the host."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0)))
    session = onnxruntime.InferenceSession(directory / "model.onnx", options, providers=["CPUExecutionProvider"])
    facts = json.loads((directory / "model.json").read_text(encoding="utf-8"))
    mean, std = (np.array(facts[key], dtype=np.float32) for key in ("mean", "std"))
    scale: NDArray[np.float32] = (1 / (255 * std)).astype(np.float32)
    return Loaded(session, (facts["width"], facts["height"]), scale, -mean / std)


def predict(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Label map uint8[128, 256], classes 0..6 at scoring size, of an RGB image uint8[H, W, 3] of any size."""
    if _loaded is None:
        load()
    assert _loaded is not None
    return classify(_loaded, image)


def classify(loaded: Loaded, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """As `predict`, with the session given."""
    small = Image.fromarray(image).resize(loaded.size, Image.Resampling.BILINEAR)
    pixels = np.asarray(small, np.float32) * loaded.scale + loaded.shift  # [h, w, 3]
    (logits,) = loaded.session.run(None, {"image": pixels.transpose(2, 0, 1)[None]})  # [1, 7, 128, 256]
    return np.asarray(logits[0].argmax(axis=0).astype(np.uint8))
