"""Leaves out one image.

expect = "BAD_OUTPUT"
says = "'val0000/000001_label.png' of 3 are missing"
predictions = true
"""

from pathlib import Path

from tests.hostile.archives import GOOD, NAMES
from tests.sandbox.zips import plain_zip


def make(path: Path) -> None:
    path.write_bytes(plain_zip((NAMES[0], GOOD), (NAMES[2], GOOD)))
