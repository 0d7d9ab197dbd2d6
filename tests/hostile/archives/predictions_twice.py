"""Has one label map twice.

expect = "IMAGE_REJECTED"
says = "are the same name"
predictions = true
"""

from pathlib import Path

from tests.hostile.archives import GOOD, NAMES
from tests.sandbox.zips import plain_zip


def make(path: Path) -> None:
    path.write_bytes(plain_zip(*((name, GOOD) for name in NAMES), (NAMES[1], GOOD)))
