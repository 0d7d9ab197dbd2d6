"""Drawn scenes as a split in memory."""

from __future__ import annotations

import numpy as np

from baselines.data import Source
from evaluator.scenes import draw_scene


def scenes(count: int, seed: int) -> Source:
    drawn = [draw_scene(np.random.default_rng([seed, index])) for index in range(count)]
    return Source(np.stack([image for image, _ in drawn]), np.stack([label for _, label in drawn]))
