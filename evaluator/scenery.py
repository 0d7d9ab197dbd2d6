"""What stands and moves in a drawn Indian street: one painter a kind of thing, `painter(street, x, z)` in metres.

Nothing here separates the classes by colour alone: walls, footpaths and roads share their greys, vehicles, boards and
clothes take any colour.
"""

from __future__ import annotations

import math

import numpy as np

from evaluator.street import FAR, LEAVES, LIVING, MASONRY, ROADSIDE, VEHICLE, Colour, Stand, Street, shade

# --- vehicles


def car(street: Street, x: float, z: float) -> None:
    rng, paint = street.rng, street.any_colour()
    half, tall, long = rng.uniform(0.75, 0.95), rng.uniform(1.35, 1.85), rng.uniform(3.2, 4.5)
    stand = Stand(street, x, z, VEHICLE)
    stand.oval(-half * 1.1, -0.12, half * 1.1, 0.12, (18, 18, 20), None)
    stand.side(half, 0.25, tall * 0.6, long, shade(paint, 0.75))
    stand.side(half * 0.9, tall * 0.55, tall * 0.97, long * 0.75, (40, 46, 52))
    for wheel in (-half * 0.95, half * 0.6):
        stand.box(wheel, 0, wheel + half * 0.35, 0.4, (22, 22, 24))
    stand.part(
        [
            (-half, 0.25),
            (half, 0.25),
            (half, tall * 0.58),
            (half * 0.8, tall),
            (-half * 0.8, tall),
            (-half, tall * 0.58),
        ],
        paint,
    )
    stand.part(
        [(-half * 0.85, tall * 0.6), (half * 0.85, tall * 0.6), (half * 0.7, tall * 0.93), (-half * 0.7, tall * 0.93)],
        street.grey(30, 110),
        None,
    )
    lamp: Colour = (200, 40, 30) if rng.random() < 0.6 else (245, 240, 215)
    for u in (-half * 0.95, half * 0.7):
        stand.box(u, tall * 0.42, u + half * 0.25, tall * 0.55, lamp, None)
    stand.box(-0.25, 0.45, 0.25, 0.58, (235, 225, 120) if rng.random() < 0.4 else (225, 225, 225), None)


def autorickshaw(street: Street, x: float, z: float) -> None:
    rng = street.rng
    body = street.pick((60, 120, 50), (215, 175, 40), (30, 30, 32), (190, 150, 40))
    hood = street.pick((215, 175, 40), (25, 25, 28), (60, 60, 60))
    stand = Stand(street, x, z, VEHICLE)
    stand.oval(-0.75, -0.1, 0.75, 0.1, (18, 18, 20), None)
    stand.side(0.6, 0.3, 1.6, 2.3, shade(body, 0.7))
    for u in (-0.62, 0.48):
        stand.box(u, 0, u + 0.14, 0.4, (20, 20, 20))
    stand.part([(-0.65, 0.25), (0.65, 0.25), (0.62, 1.1), (-0.62, 1.1)], body)
    stand.part([(-0.62, 1.05), (0.62, 1.05), (0.5, 1.75), (-0.5, 1.75)], hood)
    stand.box(-0.4, 1.15, 0.4, 1.5, street.grey(25, 120), None)
    if rng.random() < 0.5:
        stand.box(-0.6, 0.6, 0.6, 0.7, (225, 210, 60), None)


def truck(street: Street, x: float, z: float) -> None:
    rng, paint = street.rng, street.pick((190, 110, 40), (60, 80, 130), (170, 60, 50), (205, 200, 190), (110, 90, 60))
    half, tall, long = rng.uniform(1.0, 1.3), rng.uniform(2.3, 3.4), rng.uniform(5, 11)
    stand = Stand(street, x, z, VEHICLE)
    stand.oval(-half * 1.15, -0.2, half * 1.15, 0.2, (16, 16, 18), None)
    stand.side(half, 0.5, tall, long, shade(paint, rng.uniform(0.6, 0.95)))
    for u in (-half, half * 0.6):
        stand.box(u, 0, u + half * 0.4, 0.8, (22, 22, 22))
    stand.box(-half, 0.45, half, tall, paint)
    if rng.random() < 0.5:  # bus: glass above, a band of colour below
        stand.box(-half * 0.85, tall * 0.55, half * 0.85, tall * 0.88, street.grey(35, 130), None)
        stand.box(-half, tall * 0.3, half, tall * 0.42, street.any_colour(), None)
        if abs(x) > half:
            stand.side(half, tall * 0.55, tall * 0.85, long, street.grey(30, 90))
    else:  # lorry: slats and a load
        for v in np.arange(0.7, tall, 0.45):
            stand.box(-half, float(v), half, float(v) + 0.06, shade(paint, 0.6), None)
        if rng.random() < 0.6:
            stand.oval(-half * 0.95, tall * 0.8, half * 0.95, tall * 1.2, street.any_colour())
    stand.box(-half, 0.45, half, 0.62, (215, 180, 50), None)


def two_wheeler(street: Street, x: float, z: float) -> None:
    rng, paint = street.rng, street.any_colour()
    stand = Stand(street, x, z, VEHICLE)
    stand.oval(-0.45, -0.07, 0.45, 0.07, (18, 18, 20), None)
    lean = rng.uniform(-0.35, 0.35)
    stand.oval(-0.1, 0, 0.1, 0.62, (20, 20, 20))
    stand.oval(-0.1 + lean, 0, 0.1 + lean, 0.6, (24, 24, 24))
    stand.part([(-0.16, 0.3), (0.16, 0.3), (0.2 + lean / 2, 0.85), (-0.2 + lean / 2, 0.85)], paint)
    stand.box(-0.36, 0.95, 0.36, 1.02, (30, 30, 30))
    stand.box(-0.07, 0.55, 0.07, 0.66, (190, 40, 30), None)
    if rng.random() < 0.85:
        for rider in range(1 + int(rng.random() < 0.35)):
            person(street, x + lean / 2 + 0.08 * rider, z - 0.05 * rider, lift=0.25, seated=True)


# --- living things


def person(street: Street, x: float, z: float, lift: float = 0.0, seated: bool = False) -> None:
    rng = street.rng
    stand = Stand(street, x, z, LIVING, lift)
    skin, shirt, trousers = (
        street.pick((120, 82, 60), (92, 62, 46), (150, 108, 80)),
        street.any_colour(),
        street.grey(20, 130, 15),
    )
    wide, tall = rng.uniform(0.19, 0.3), rng.uniform(1.45, 1.8)
    if not seated:
        stand.oval(-0.3, -0.06, 0.3, 0.06, (20, 20, 22), None)
        stride = rng.uniform(0, 0.22)
        if rng.random() < 0.3:  # sari or lungi
            stand.part(
                [(-wide * 1.15, 0), (wide * 1.15, 0), (wide * 0.8, tall * 0.55), (-wide * 0.8, tall * 0.55)],
                street.any_colour(),
            )
        else:
            stand.part(
                [(-stride - 0.12, 0), (-stride + 0.03, 0), (0.05, tall * 0.5), (-wide * 0.8, tall * 0.5)], trousers
            )
            stand.part(
                [(stride - 0.03, 0), (stride + 0.12, 0), (wide * 0.8, tall * 0.5), (-0.05, tall * 0.5)],
                shade(trousers, 0.9),
            )
    else:
        stand.part([(-0.32, 0.25), (0.32, 0.25), (wide, 0.75), (-wide, 0.75)], trousers)
    stand.part(
        [(-wide * 0.85, tall * 0.45), (wide * 0.85, tall * 0.45), (wide, tall * 0.82), (-wide, tall * 0.82)], shirt
    )
    arm = rng.uniform(0, 0.15)
    for sign in (-1, 1):
        stand.part(
            [
                (sign * wide, tall * 0.82),
                (sign * wide * 0.7, tall * 0.82),
                (sign * (wide + arm), tall * 0.48),
                (sign * (wide + arm + 0.08), tall * 0.5),
            ],
            shirt if rng.random() < 0.5 else skin,
        )
    stand.oval(-0.11, tall * 0.84, 0.11, tall, skin)
    hat = street.any_colour() if seated and rng.random() < 0.6 else (24, 20, 20)
    stand.oval(-0.125, tall * 0.91, 0.125, tall * 1.03, hat)


def animal(street: Street, x: float, z: float) -> None:
    rng = street.rng
    hide = street.pick((205, 195, 180), (110, 80, 55), (60, 52, 48), (160, 130, 95))
    size, face = rng.choice([0.45, 0.8, 1.0]), 1 if rng.random() < 0.5 else -1
    stand = Stand(street, x, z, LIVING)
    for u in (-0.62, -0.42, 0.36, 0.56):
        stand.box(u * size, 0, (u + 0.13) * size, 0.7 * size, shade(hide, 0.8))
    stand.oval(-0.8 * size, 0.5 * size, 0.8 * size, 1.25 * size, hide)
    stand.oval(
        face * 0.95 * size - 0.28 * size, 0.75 * size, face * 0.95 * size + 0.28 * size, 1.25 * size, shade(hide, 0.9)
    )
    if rng.random() < 0.5:
        stand.oval(-0.4 * size, 0.7 * size, 0.1 * size, 1.1 * size, street.grey(30, 220), None)


# --- road-side things


def pole(street: Street, x: float, z: float) -> None:
    rng, paint = street.rng, street.grey(50, 190)
    tall, thick = rng.uniform(4, 9), rng.uniform(0.06, 0.16)
    stand = Stand(street, x, z, ROADSIDE)
    stand.box(-thick, 0, thick, tall, paint)
    kind = rng.random()
    if kind < 0.4:  # lamp over the road
        reach = -math.copysign(rng.uniform(1, 2.2), x)
        stand.part([(0, tall - 0.15), (reach, tall + 0.25), (reach, tall + 0.4), (0, tall)], paint)
    elif kind < 0.7:
        for v in (0.94, 0.86):
            stand.box(-0.8, tall * v, 0.8, tall * v + 0.1, paint)
    for _ in range(int(rng.integers(0, 3))):  # wires: in the picture only, too thin to label
        y = tall * rng.uniform(0.85, 1)
        street.pen.line([street.at(x, y, z), street.at(x + rng.normal(0, 0.3), y, max(1.5, z / 4))], fill=(30, 30, 32))


def sign(street: Street, x: float, z: float) -> None:
    rng, paint = street.rng, street.pick((30, 80, 150), (30, 110, 60), (220, 190, 40), (225, 225, 220), (190, 40, 40))
    tall, half = rng.uniform(1.8, 3), rng.uniform(0.3, 0.9)
    stand = Stand(street, x, z, ROADSIDE)
    stand.box(-0.05, 0, 0.05, tall, street.grey(70, 170))
    draw = stand.oval if rng.random() < 0.4 else stand.box
    draw(-half, tall, half, tall + half * 1.4, paint)
    stand.box(-half * 0.6, tall + half * 0.5, half * 0.6, tall + half * 0.75, street.grey(20, 240), None)


def billboard(street: Street, x: float, z: float) -> None:
    rng = street.rng
    half, low, tall = rng.uniform(1.5, 3.5), rng.uniform(2.2, 4.5), rng.uniform(1.2, 3.2)
    stand = Stand(street, x, z, ROADSIDE)
    for u in (-half * 0.7, half * 0.6):
        stand.box(u, 0, u + 0.15, low, street.grey(50, 120))
    stand.box(-half, low, half, low + tall, street.any_colour(), texture=MASONRY)
    for _ in range(4):
        u, v = rng.uniform(-half, half * 0.4), rng.uniform(low, low + tall * 0.7)
        stand.box(u, v, u + rng.uniform(0.2, half * 0.6), v + rng.uniform(0.1, tall * 0.3), street.any_colour(), None)


def stall(street: Street, x: float, z: float) -> None:
    rng = street.rng
    half, tall = rng.uniform(0.8, 1.6), rng.uniform(1.8, 2.6)
    stand = Stand(street, x, z, ROADSIDE)
    stand.box(-half, 0, half, tall * 0.45, street.pick((120, 95, 70), (90, 90, 95), (70, 90, 130)), texture=MASONRY)
    stand.box(-half * 0.95, tall * 0.45, half * 0.95, tall * 0.85, street.grey(20, 80))
    stand.part(
        [(-half * 1.15, tall * 0.8), (half * 1.15, tall * 0.8), (half, tall), (-half, tall)], street.any_colour()
    )
    for _ in range(5):
        u = rng.uniform(-half, half * 0.8)
        stand.box(u, tall * 0.45, u + 0.2, tall * 0.6, street.any_colour(), None)


def cone(street: Street, x: float, z: float) -> None:
    stand, wide = Stand(street, x, z, ROADSIDE), street.rng.uniform(0.15, 0.5)
    tall = street.rng.uniform(0.5, 1.1)
    stand.part(
        [(-wide, 0), (wide, 0), (wide * 0.4, tall), (-wide * 0.4, tall)],
        street.pick((220, 90, 30), (150, 145, 140), (210, 180, 40)),
    )
    stand.box(-wide * 0.6, tall * 0.5, wide * 0.6, tall * 0.65, (225, 225, 225), None)


# --- far objects


def tree(street: Street, x: float, z: float) -> None:
    rng, leaf = street.rng, street.pick((52, 70, 36), (38, 52, 30), (84, 96, 48), (66, 72, 44))
    tall, wide = rng.uniform(3.5, 11), rng.uniform(1.4, 4.5)
    stand = Stand(street, x, z, FAR)
    stand.part(
        [(-0.2, 0), (0.2, 0), (0.12, tall * 0.6), (-0.12, tall * 0.6)],
        street.pick((70, 58, 46), (96, 88, 78)),
        texture=MASONRY,
    )
    for _ in range(int(rng.integers(9, 18))):
        u, v, r = rng.normal(0, wide * 0.45), tall * rng.uniform(0.45, 1), wide * rng.uniform(0.18, 0.42)
        stand.oval(u - r, v - r, u + r, v + r * 0.9, shade(leaf, rng.uniform(0.6, 1.35)), texture=LEAVES)


def building(street: Street, x: float, z: float) -> None:
    rng, paint = (
        street.rng,
        street.pick(
            (190, 175, 150), (150, 150, 150), (170, 120, 95), (205, 205, 200), (120, 130, 150), (200, 180, 110)
        ),
    )
    half, tall, deep = rng.uniform(2.5, 7), rng.uniform(3.5, 15), rng.uniform(4, 14)
    stand = Stand(street, x, z, FAR)
    near = x - math.copysign(half, x)
    street.upright(near, 0, tall, z, z + deep, shade(paint, 0.7), FAR)
    stand.box(-half, 0, half, tall, paint, texture=MASONRY)
    dark = street.grey(25, 100)
    for v in np.arange(1.2, tall - 1, 2.6):
        for u in np.arange(-half + 0.6, half - 1, 2.1):
            stand.box(float(u), float(v), float(u) + 1.0, float(v) + 1.3, dark, None)
        for w in np.arange(z + 1, z + deep - 1, 2.5):
            street.upright(near, float(v), float(v) + 1.3, float(w), float(w) + 1.1, dark)
    if rng.random() < 0.6:  # the shop's board belongs to the road side
        v = rng.uniform(2.4, 3.2)
        stand.box(-half, v, half, v + rng.uniform(0.5, 1.1), street.any_colour(), ROADSIDE)
        street.upright(near, v, v + 0.9, z, z + deep, street.any_colour(), ROADSIDE)
