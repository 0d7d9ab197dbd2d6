"""Lay out one Indian street with the painters of `evaluator.scenery`, then light it: `draw_scene(rng)`."""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from evaluator import scenery
from evaluator.street import (
    ASPHALT,
    CLOUD,
    DRIVABLE,
    FAR,
    HEIGHT,
    IGNORE,
    LEAVES,
    MASONRY,
    NON_DRIVABLE,
    ROADSIDE,
    SKY,
    SMOOTH,
    SOIL,
    WIDTH,
    Colour,
    Painter,
    Random,
    Street,
    shade,
)

HAZE_METRES = 140.0
# How strongly each texture (scenery's numbers) modulates its colour: by coarse noise, by fine noise.
TEXTURE = np.array([(0.06, 0.02), (0.16, 0.10), (0.25, 0.18), (0.45, 0.40), (0.14, 0.12), (0.05, 0.01)], np.float32)


def draw_scene(rng: Random) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """One scene: image uint8[227, 320, 3] (RGB) and label uint8[227, 320] (0..6, 255 = ignore)."""
    street = Street(rng)
    sky = paint_sky(street)
    paint_skyline(street)
    left, right = paint_ground(street)
    for edge, sign in ((left, -1), (right, 1)):
        paint_behind(street, edge, sign)
        paint_verge(street, edge, sign)
    paint_things(street, left, right)
    paint_unlabelled(street)
    return light(street, sky), np.asarray(street.facts)[:, :, 0].copy()


def paint_sky(street: Street) -> Colour:
    top = street.pick(
        (95, 140, 200),
        (190, 200, 210),
        (225, 228, 230),
        (130, 150, 175),
        (225, 228, 230),
        (120, 160, 210),
        (215, 170, 130),
    )
    street.fill([(0, 0), (WIDTH, 0), (WIDTH, HEIGHT), (0, HEIGHT)], top, SKY, CLOUD, 0)
    low = shade(top, 0.6, (95, 92, 88))
    for row in range(int(street.horizon) + 1):
        part = (row / street.horizon) ** 1.5
        mixed = [a * (1 - part) + b * part for a, b in zip(top, low, strict=True)]
        street.pen.line([(0, row), (WIDTH, row)], fill=shade(mixed, 1))
    return low


def paint_skyline(street: Street) -> None:
    """A distant belt of trees and houses, higher towards the picture's edges."""
    rng, ground = street.rng, street.horizon + 4
    leaf = street.pick((70, 84, 60), (90, 98, 84), (58, 66, 44))
    lift = rng.uniform(0, 40)
    for x in np.arange(-8, WIDTH + 8, 5.0):
        away = abs(x - street.centre) / 160
        r = rng.uniform(3, 9) + lift * away * rng.uniform(0.3, 1)
        street.oval([x - r, ground - 2 * r, x + r, ground + 3], shade(leaf, rng.uniform(0.75, 1.2)), FAR, LEAVES, 70)
    for _ in range(int(rng.integers(0, 7))):
        x, w, h = rng.uniform(0, WIDTH), rng.uniform(6, 26), rng.uniform(6, 34)
        street.fill(
            [(x, ground), (x, ground - h), (x + w, ground - h), (x + w, ground)],
            street.grey(90, 200, 14),
            FAR,
            MASONRY,
            60,
        )


def paint_ground(street: Street) -> tuple[float, float]:
    """Road, markings, stains and a median; returns the lateral positions of the road's two edges in metres."""
    rng = street.rng
    left, right = -rng.uniform(2.2, 6.5), rng.uniform(2.2, 6.5)
    beyond, texture, what = (
        (street.pick((150, 125, 95), (170, 140, 105)), SOIL, NON_DRIVABLE)
        if rng.random() < 0.25
        else (street.pick((88, 92, 60), (70, 78, 48)), LEAVES, FAR)
    )
    base = street.horizon + 1
    street.fill([(0, base), (WIDTH, base), (WIDTH, HEIGHT), (0, HEIGHT)], beyond, what, texture, 25)
    asphalt = street.pick((95, 95, 98), (125, 122, 118), (70, 70, 74), (140, 128, 110))
    street.strip(left, right, 1.8, 200, asphalt, DRIVABLE, ASPHALT)
    for _ in range(int(rng.integers(0, 7))):  # patches, potholes, puddles
        x, z = rng.uniform(left, right), math.exp(rng.uniform(1, 3.2))
        (u, v), r = street.at(x, 0, z), street.focal * rng.uniform(0.2, 1.1) / z
        street.oval([u - r, v - r * 0.3, u + r, v + r * 0.3], shade(asphalt, rng.uniform(0.55, 1.25)))
    paint = street.grey(170, 235) if rng.random() < 0.8 else street.pick((215, 180, 60))
    if rng.random() < 0.6:
        middle, dash = (left + right) / 2 + rng.normal(0, 0.8), rng.uniform(1.5, 4)
        for z in np.arange(2 + rng.uniform(0, dash), 60, dash * rng.uniform(1.6, 2.6)):
            street.strip(middle - 0.07, middle + 0.07, float(z), float(z) + dash, paint)
    if rng.random() < 0.45:
        for x in (left + 0.4, right - 0.4):
            street.strip(x - 0.07, x + 0.07, 1.8, 90, paint)
    if rng.random() < 0.1:
        near = rng.uniform(5, 12)
        for x in np.arange(left, right, 1.0):  # zebra crossing
            street.strip(float(x), float(x) + 0.5, near, near + 2.5, paint)
    if left < -4.5 and rng.random() < 0.5:
        x = left + rng.uniform(2, 3)
        kerb(street, x, x + rng.uniform(0.3, 0.8), rng.uniform(0.2, 0.8))
    return left, right


def kerb(street: Street, x0: float, x1: float, tall: float) -> None:
    """Two painted stones deep: the face that looks at us and the top."""
    rng = street.rng
    first, second = (
        street.pick((190, 185, 175), (150, 145, 140)),
        street.pick((40, 40, 42), (200, 170, 60), (140, 135, 128)),
    )
    striped, face = rng.random() < 0.6, x0 if abs(x0) < abs(x1) else x1
    z, step = 1.8, rng.uniform(0.8, 1.6)
    while z < 70:
        paint = second if striped and int(z / step) % 2 else first
        far = z + step * max(1.0, z / 12)
        corners = [street.at(x0, tall, z), street.at(x1, tall, z), street.at(x1, tall, far), street.at(x0, tall, far)]
        street.fill(corners, paint, ROADSIDE, MASONRY, z)
        street.upright(face, 0, tall, z, far, shade(paint, 0.8), ROADSIDE)
        z = far


def paint_verge(street: Street, edge: float, sign: int) -> None:
    """From the road's edge outwards: a kerb, a footpath or shoulder, then wall, fence, hedge or nothing."""
    rng = street.rng
    x = edge
    wide = rng.uniform(0.8, 5)
    kinds = (
        (street.pick((150, 145, 138), (165, 140, 125), (120, 116, 112)), NON_DRIVABLE, MASONRY),  # paved footpath
        (street.pick((160, 132, 98), (140, 118, 92)), NON_DRIVABLE, SOIL),
        (street.pick((150, 128, 100), (128, 118, 105)), DRIVABLE, SOIL),  # cars do drive on it
        (street.pick((92, 98, 58), (112, 106, 66)), FAR, LEAVES),
    )
    colour, what, texture = kinds[rng.choice(4, p=(0.32, 0.24, 0.2, 0.24))]
    street.strip(x, x + sign * wide, 1.8, 120, colour, what, texture)
    if what == NON_DRIVABLE or rng.random() < 0.35:
        kerb(street, x, x + sign * 0.25, rng.uniform(0.1, 0.3))
    x += sign * wide
    cuts = np.concatenate([[1.8], np.sort(np.exp(rng.uniform(1, 4, int(rng.integers(1, 5))))), [90]])
    for near, far in reversed(list(itertools.pairwise(cuts))):
        boundary(street, x, float(near), float(far))


def boundary(street: Street, x: float, near: float, far: float) -> None:
    rng = street.rng
    kind = rng.choice(4, p=(0.33, 0.15, 0.2, 0.32))
    if kind == 0:
        paint = street.pick((150, 145, 138), (190, 180, 160), (140, 100, 80), (110, 115, 120), (170, 150, 110))
        tall = rng.uniform(0.7, 2.3)
        street.upright(x, 0, tall, near, far, paint, ROADSIDE)
        if rng.random() < 0.4:
            street.upright(x, tall * 0.3, tall * 0.7, near, far, street.any_colour(), ROADSIDE)
    elif kind == 1:
        paint, tall = street.grey(50, 200), rng.uniform(0.8, 1.6)
        street.fact_pen.polygon(
            [street.at(x, 0, near), street.at(x, tall, near), street.at(x, tall, far), street.at(x, 0, far)],
            fill=(ROADSIDE, SMOOTH, min(255, int(near + far) // 2)),
        )
        for y in (0.3, 0.65, 0.95):
            street.upright(x, tall * y - 0.06, tall * y, near, far, paint)
        z = near
        while z < far:
            street.upright(x, 0, tall, z, z * 1.03, paint)
            z *= 1.12
    elif kind == 2:
        leaf = street.pick((52, 70, 36), (70, 80, 44))
        z = far
        while z > near:
            (u, v), r = street.at(x, rng.uniform(0.2, 1), z), street.focal * rng.uniform(0.4, 1.2) / z
            street.oval([u - r, v - r, u + r, v + r], shade(leaf, rng.uniform(0.7, 1.3)), FAR, LEAVES, z)
            z *= 0.9


def paint_behind(street: Street, edge: float, sign: int) -> None:
    rng, built = street.rng, street.rng.random()
    for z in np.sort(np.exp(rng.uniform(1.6, 4.3, int(rng.integers(6, 16)))))[::-1]:
        x = edge + sign * rng.uniform(4.5, 11)
        painter = scenery.building if rng.random() < built * 0.75 else scenery.tree
        painter(street, x + sign * (5 if painter is scenery.building else 0), float(z))
        if rng.random() < 0.12:
            scenery.billboard(street, x, float(z))


def paint_things(street: Street, left: float, right: float) -> None:
    """Traffic, people and street furniture, from far to near."""
    rng, crowd = street.rng, street.rng.gamma(2.0, 0.5)
    queue: list[tuple[float, float, Painter]] = []

    def put(painter: Painter, mean: float, x0: float, x1: float, near: float, far: float) -> None:
        for _ in range(min(14, int(rng.poisson(mean)))):
            z = math.exp(rng.uniform(math.log(near), math.log(far)))
            queue.append((z, x0 + (x1 - x0) * rng.random(), painter))

    put(scenery.car, 3.0 * crowd, left, right, 5, 60)
    put(scenery.autorickshaw, 1.6 * crowd, left, right, 5, 60)
    put(scenery.truck, 1.0 * crowd, left, right, 7, 80)
    put(scenery.two_wheeler, 2.6 * crowd, left, right, 4.5, 50)
    put(scenery.animal, 0.35, left - 1, right + 1, 6, 40)
    put(scenery.cone, 0.6, left, right, 5, 40)
    for edge, sign in ((left, -1), (right, 1)):
        outer = edge + sign * 3
        put(scenery.person, 1.9 * crowd, edge - sign * 1.5, outer, 4.5, 45)
        put(scenery.car, 0.4 * crowd, edge, outer, 6, 40)
        put(scenery.two_wheeler, 0.6 * crowd, edge, outer, 6, 40)
        put(scenery.pole, 2.0, edge + sign * 0.3, outer, 5, 70)
        put(scenery.sign, 0.9, edge + sign * 0.3, outer, 6, 50)
        put(scenery.stall, 0.8 * crowd, edge + sign * 1.5, outer + sign * 2, 7, 45)
        put(scenery.tree, 0.9, edge + sign * 2.5, outer + sign * 3, 6, 50)
        put(scenery.billboard, 0.2, edge + sign * 2, outer + sign * 4, 10, 60)
    for z, x, painter in sorted(queue, key=lambda entry: -entry[0]):
        painter(street, x, z)


def paint_unlabelled(street: Street) -> None:
    """What no annotator gave a class: our own bonnet now and then, and a speck."""
    rng = street.rng
    if rng.random() < 0.02:
        middle, wide, tall = rng.normal(160, 20), rng.uniform(80, 150), rng.uniform(4, 12)
        street.oval(
            [middle - wide, HEIGHT - tall, middle + wide, HEIGHT + tall], street.any_colour(), IGNORE, SMOOTH, 1
        )
    for _ in range(int(rng.integers(1, 4))):
        x, y = int(rng.integers(0, WIDTH)), int(rng.integers(0, HEIGHT))
        street.fact_pen.rectangle([x, y, x + 1, y + 1], fill=(IGNORE, SMOOTH, 10))


def noise(rng: Random, rows: int, columns: int) -> NDArray[np.float32]:
    """Smooth noise float32[227, 320], about N(0, 1) / 2, from a grid of rows x columns."""
    grid = Image.fromarray(rng.standard_normal((rows, columns), dtype=np.float32) * 0.5)
    return np.asarray(grid.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR))


def light(street: Street, sky: Colour) -> NDArray[np.uint8]:
    """Surfaces, shadows, haze, exposure, colour cast, lens and sensor: from flat paint to uint8[227, 320, 3]."""
    rng = street.rng
    facts = np.asarray(street.facts)
    kind, distance = facts[:, :, 1], facts[:, :, 2].astype(np.float32)
    coarse, fine = noise(rng, 24, 30) + 0.7 * noise(rng, 60, 80), rng.standard_normal((HEIGHT, WIDTH), dtype=np.float32)
    image = np.asarray(street.picture).astype(np.float32)
    bright = 1 + TEXTURE[kind, 0] * coarse + TEXTURE[kind, 1] * fine * np.minimum(1, 14 / (distance + 4))
    if rng.random() < 0.6:  # shade of trees and houses, on everything but the sky
        dark = noise(rng, int(rng.integers(4, 30)), int(rng.integers(3, 9))) > rng.uniform(-0.1, 0.5)
        bright *= np.where(dark & (distance > 0), rng.uniform(0.4, 0.8), 1)
    if rng.random() < 0.7:  # clouds
        cloud = np.clip(noise(rng, 7, 6) + 0.5 * noise(rng, 20, 16), 0, 1)
        bright += np.where(kind == CLOUD, rng.uniform(-0.25, 0.3) * cloud, 0)
    image *= bright[:, :, None]
    haze = 1 - np.exp(-distance / (HAZE_METRES * rng.uniform(0.3, 2.5)))
    image += (np.asarray(sky, np.float32) - image) * haze[:, :, None]

    contrast, exposure = rng.uniform(0.7, 1.25), rng.uniform(0.6, 1.25)
    if rng.random() < 0.15:
        exposure *= rng.uniform(0.45, 0.75)  # dusk
    cast = 1 + rng.normal(0, 0.035, 3).astype(np.float32)
    image = ((image - 110) * contrast + 110) * exposure * cast
    blurred = Image.fromarray(np.clip(image, 0, 255).astype(np.uint8)).filter(
        ImageFilter.GaussianBlur(float(rng.uniform(0.35, 0.9)))
    )
    grain = rng.standard_normal((HEIGHT, WIDTH, 3), dtype=np.float32) * np.float32(rng.uniform(1, 7))
    lit: NDArray[np.uint8] = np.clip(np.asarray(blurred) + grain, 0, 255).astype(np.uint8)
    return lit
