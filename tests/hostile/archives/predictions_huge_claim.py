"""A label map claims 20,000 x 20,000 pixels.

expect = "BAD_OUTPUT"
says = ["'val0000/000001_label.png'", "20000 x 20000"]
predictions = true
"""

from pathlib import Path

from tests.hostile.archives import GOOD, NAMES
from tests.sandbox.zips import plain_zip


def make(path: Path) -> None:
    path.write_bytes(
        plain_zip((NAMES[0], GOOD), (NAMES[1], GOOD[:16] + b"\0\0\x4e\x20" * 2 + GOOD[24:]), (NAMES[2], GOOD))
    )
