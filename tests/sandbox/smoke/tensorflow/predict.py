"""Three convolutions in TensorFlow, run from a SavedModel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

WIDTH, HEIGHT = 256, 128  # the scoring size


def load() -> None:
    global model
    model = tf.saved_model.load(Path(__file__).with_name("model"))


def predict(image: np.ndarray) -> np.ndarray:
    return model(features(image))[0].numpy()


def features(image: np.ndarray) -> np.ndarray:
    """float32[1, 128, 256, 4]: red, green, blue and how far down, each 0 to 1."""
    small = np.asarray(Image.fromarray(image).resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR), np.float32) / 255
    down = np.broadcast_to(np.linspace(0, 1, HEIGHT, dtype=np.float32)[:, None, None], (HEIGHT, WIDTH, 1))
    return np.concatenate([small, down], axis=2)[None]
