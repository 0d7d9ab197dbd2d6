"""A label map has 2 MiB.

expect = "BAD_OUTPUT"
says = "at most 1.0 MiB"
predictions = true
"""

from pathlib import Path

from tests.hostile.archives import GOOD, NAMES
from tests.sandbox.zips import plain_zip


def make(path: Path) -> None:
    path.write_bytes(plain_zip((NAMES[0], GOOD), (NAMES[1], GOOD + GOOD[-999:] * 2000), (NAMES[2], GOOD)))
