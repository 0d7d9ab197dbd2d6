"""A street to paint on: a pin-hole camera in metres (x right, y up, z ahead) and two planes of the same size.

One plane is the picture; the three channels of the other are class, texture and distance. Texture and distance are
used up by `evaluator.scenes.light` (surface noise, shadows, haze); the class channel is the label map.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

WIDTH, HEIGHT = 320, 227
DRIVABLE, NON_DRIVABLE, LIVING, VEHICLE, ROADSIDE, FAR, SKY, IGNORE = 0, 1, 2, 3, 4, 5, 6, 255
SMOOTH, ASPHALT, SOIL, LEAVES, MASONRY, CLOUD = range(6)
EYE_HEIGHT = 1.4  # metres above the road

Colour = tuple[int, int, int]
Points = Sequence[tuple[float, float]]
Random = np.random.Generator


class Street:
    """The two planes and the camera that looks at them; every painter below draws on one of these."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.picture = Image.new("RGB", (WIDTH, HEIGHT))
        self.facts = Image.new("RGB", (WIDTH, HEIGHT))
        self.pen, self.fact_pen = ImageDraw.Draw(self.picture), ImageDraw.Draw(self.facts)
        self.centre = WIDTH / 2 + rng.normal(0, 35)
        self.horizon = rng.uniform(92, 122)
        self.focal = rng.uniform(190, 270)

    def at(self, x: float, y: float, z: float) -> tuple[float, float]:
        """Pixel of the point x metres right, y metres above the road, z metres ahead."""
        return self.centre + self.focal * x / z, self.horizon + self.focal * (EYE_HEIGHT - y) / z

    def fill(
        self, points: Points, colour: Colour, what: int | None = None, texture: int = SMOOTH, z: float = 10
    ) -> None:
        """Fill a polygon; `what` None paints the picture only (a marking, a stain, a window)."""
        self.pen.polygon(points, fill=colour)
        if what is not None:
            self.fact_pen.polygon(points, fill=(what, texture, min(255, int(z))))

    def oval(
        self, box: Sequence[float], colour: Colour, what: int | None = None, texture: int = SMOOTH, z: float = 10
    ) -> None:
        self.pen.ellipse(box, fill=colour)
        if what is not None:
            self.fact_pen.ellipse(box, fill=(what, texture, min(255, int(z))))

    def strip(
        self, x0: float, x1: float, z0: float, z1: float, colour: Colour, what: int | None = None, texture: int = SMOOTH
    ) -> None:
        """A flat piece of ground between two lateral positions and two distances."""
        corners = [self.at(x0, 0, z0), self.at(x1, 0, z0), self.at(x1, 0, z1), self.at(x0, 0, z1)]
        self.fill(corners, colour, what, texture, (z0 + z1) / 2)

    def upright(
        self,
        x: float,
        y0: float,
        y1: float,
        z0: float,
        z1: float,
        colour: Colour,
        what: int | None = None,
        texture: int = MASONRY,
    ) -> None:
        """A vertical surface that runs along the road at lateral position x."""
        corners = [self.at(x, y0, z0), self.at(x, y1, z0), self.at(x, y1, z1), self.at(x, y0, z1)]
        self.fill(corners, colour, what, texture, (z0 + z1) / 2)

    def grey(self, low: float, high: float, tint: float = 8) -> Colour:
        return shade((1, 1, 1), self.rng.uniform(low, high), self.rng.normal(0, tint, 3))

    def any_colour(self) -> Colour:
        """Paint and cloth: often white, grey or black, else anything."""
        if self.rng.random() < 0.5:
            return self.grey(20, 235)
        return shade(self.rng.uniform(0.1, 1, 3), self.rng.uniform(90, 240))

    def pick(self, *options: Colour) -> Colour:
        return shade(options[self.rng.integers(len(options))], self.rng.uniform(0.75, 1.15), self.rng.normal(0, 6, 3))


def shade(
    colour: Sequence[float] | NDArray[np.float64],
    factor: float,
    offset: Sequence[float] | NDArray[np.float64] = (0, 0, 0),
) -> Colour:
    r, g, b = (int(min(255, max(0, c * factor + o))) for c, o in zip(colour, offset, strict=True))
    return r, g, b


@dataclass(frozen=True)
class Stand:
    """Something that faces the camera at (x, z); its parts are given in metres from its foot."""

    street: Street
    x: float
    z: float
    what: int
    lift: float = 0.0

    def points(self, parts: Points) -> list[tuple[float, float]]:
        return [self.street.at(self.x + u, v + self.lift, self.z) for u, v in parts]

    def part(self, parts: Points, colour: Colour, what: int | None = -1, texture: int = SMOOTH) -> None:
        self.street.fill(self.points(parts), colour, self.what if what == -1 else what, texture, self.z)

    def box(
        self, u0: float, v0: float, u1: float, v1: float, colour: Colour, what: int | None = -1, texture: int = SMOOTH
    ) -> None:
        self.part([(u0, v0), (u1, v0), (u1, v1), (u0, v1)], colour, what, texture)

    def oval(
        self, u0: float, v0: float, u1: float, v1: float, colour: Colour, what: int | None = -1, texture: int = SMOOTH
    ) -> None:
        (left, bottom), (right, top) = self.points([(u0, v0), (u1, v1)])
        self.street.oval([left, top, right, bottom], colour, self.what if what == -1 else what, texture, self.z)

    def side(self, half: float, y0: float, y1: float, length: float, colour: Colour) -> None:
        """The flank of a body `length` metres long, on the side the camera sees."""
        if abs(self.x) > half:
            flank = self.x - math.copysign(half, self.x)
            self.street.upright(flank, y0, y1, self.z, self.z + length, colour, self.what, SMOOTH)


Painter = Callable[[Street, float, float], None]
