"""An example to start from: no network, no weights, only where things tend to be in a street and how bright the sky is.

Replace the inside of `predict` with your model; load its weights in `load`.
"""

import numpy as np

DRIVABLE, NON_DRIVABLE, LIVING_THINGS, VEHICLES, ROADSIDE_OBJECTS, FAR_OBJECTS, SKY = range(7)


def load() -> None:
    """Runs once, before the first image is timed: load your weights here, from beside this file."""


def predict(image: np.ndarray) -> np.ndarray:
    """One image, uint8[height, width, 3] in RGB, to its label map, uint8[height, width]."""
    height, width = image.shape[:2]
    down = np.linspace(0, 1, height)[:, None]  # 0 at the top
    aside = np.abs(np.linspace(-1, 1, width))[None, :]  # 0 in the middle, 1 at both edges
    red, green, blue = (image[:, :, channel].astype(np.float32) for channel in range(3))
    bright = (red + green + blue) / 3

    labels = np.full((height, width), FAR_OBJECTS, np.uint8)
    labels[(down < 0.5) & (bright > 150) & (blue > red - 25)] = SKY
    labels[(down > 0.40) & (down < 0.62) & (aside < 0.55)] = VEHICLES
    labels[(down > 0.42) & (down < 0.65) & (aside > 0.60)] = ROADSIDE_OBJECTS
    labels[down > 0.55 + 0.1 * aside] = NON_DRIVABLE
    labels[down > 0.58 + 0.3 * np.maximum(aside - 0.35, 0)] = DRIVABLE
    return labels
