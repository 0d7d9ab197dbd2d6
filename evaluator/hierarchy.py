"""The label hierarchy of the India Driving Dataset: what its polygons are called, and each level's ids.

Varma, Subramanian, Namboodiri, Chandraker, Jawahar: "IDD: A Dataset for Exploring Problems of Autonomous Navigation in
Unconstrained Environments", WACV 2019 (arXiv:1811.10200). Level 1 has the 7 classes of IDD-lite, level 2 the 16 of
IDD-mini, level 3 the 26 of the full data set's challenges. 255 is unlabelled at every level.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Level = Literal[1, 2]
VOID = 255

LEVEL_2_NAMES = (
    "road", "drivable fallback", "sidewalk", "non-drivable fallback", "person and animal", "rider", "two-wheeler",
    "autorickshaw and car", "large vehicle", "curb and wall", "fence and rail", "billboard, sign, light",
    "pole and other", "construction", "vegetation", "sky and background",
)  # fmt: skip
"""Our words for the 16 groups."""

_GROUPS: dict[tuple[int, int], tuple[tuple[int, tuple[str, ...]], ...]] = {
    # (level 1, level 2): (level 3, names) ...; a name's own id is its place in this list
    (0, 0): ((0, ("road",)),),
    (0, 1): ((1, ("parking", "drivable fallback")),),
    (1, 2): ((2, ("sidewalk",)),),
    (1, 3): ((3, ("rail track", "non-drivable fallback")),),
    (2, 4): ((4, ("person", "animal")),),
    (2, 5): ((5, ("rider",)),),
    (3, 6): ((6, ("motorcycle",)), (7, ("bicycle",))),
    (3, 7): ((8, ("autorickshaw",)), (9, ("car",))),
    (3, 8): (
        (10, ("truck",)), (11, ("bus",)), (12, ("caravan", "trailer", "train", "vehicle fallback")),
    ),
    (4, 9): ((13, ("curb",)), (14, ("wall",))),
    (4, 10): ((15, ("fence",)), (16, ("guard rail",))),
    (4, 11): ((17, ("billboard",)), (18, ("traffic sign",)), (19, ("traffic light",))),
    (4, 12): ((20, ("pole", "polegroup")), (21, ("obs-str-bar-fallback",))),
    (5, 13): ((22, ("building",)), (23, ("bridge", "tunnel"))),
    (5, 14): ((24, ("vegetation",)),),
    (6, 15): ((25, ("sky", "fallback background")),),
}  # fmt: skip
_UNLABELLED = ("unlabeled", "ego vehicle", "rectification border", "out of roi", "license plate")

NAMES: dict[str, tuple[int, int]] = {
    name: levels for levels, groups in _GROUPS.items() for _, names in groups for name in names
} | dict.fromkeys(_UNLABELLED, (VOID, VOID))
"""Name of a polygon's label to its ids at level 1 and level 2, in the order of the names' own ids."""


def value_of(name: str, level: Level) -> int:
    """The id of a polygon's label, 255 for those that don't count; a group of people is people.

    Raises:
        KeyError: no label is called so.
    """
    known = name if name in NAMES else name.removesuffix("group")
    return NAMES[known][level - 1]


def lookup(source: Literal["id", "level3", "level2", "level1"], level: Level) -> NDArray[np.uint8]:
    """Table of 256: from the values of a label image to the ids of `level`; what means nothing becomes 255.

    Raises:
        ValueError: `source` is coarser than `level`.
    """
    table = np.full(256, VOID, np.uint8)
    if source == "id":
        for number, levels in enumerate(NAMES.values()):
            table[number] = levels[level - 1]
        return table
    if source == "level1" and level == 2:
        raise ValueError("labels of level 1 can't be told apart at level 2")
    for levels, groups in _GROUPS.items():
        for level3, _ in groups:
            value = {"level3": level3, "level2": levels[1], "level1": levels[0]}[source]
            table[value] = levels[level - 1]
    return table
