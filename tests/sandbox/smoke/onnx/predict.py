"""Three convolutions in ONNX, run by ONNX Runtime."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

WIDTH, HEIGHT = 256, 128  # the scoring size


def load() -> None:
    global session
    options = onnxruntime.SessionOptions()
    # ONNX Runtime has threads of its own and does not look at OMP_NUM_THREADS.
    options.intra_op_num_threads = int(os.environ["OMP_NUM_THREADS"])
    model = Path(__file__).with_name("model.onnx")
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def predict(image: np.ndarray) -> np.ndarray:
    (labels,) = session.run(["labels"], {"features": features(image)})
    return labels[0].astype(np.uint8)


def features(image: np.ndarray) -> np.ndarray:
    """float32[1, 4, 128, 256]: red, green, blue and how far down, each 0 to 1."""
    small = np.asarray(Image.fromarray(image).resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR), np.float32) / 255
    down = np.broadcast_to(np.linspace(0, 1, HEIGHT, dtype=np.float32)[:, None, None], (HEIGHT, WIDTH, 1))
    return np.concatenate([small, down], axis=2).transpose(2, 0, 1)[None]
