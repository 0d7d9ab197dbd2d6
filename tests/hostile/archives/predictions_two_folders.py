"""Has every label map in two folders.

expect = "BAD_OUTPUT"
says = "was not asked for"
predictions = true
"""

from pathlib import Path

from tests.hostile.archives import GOOD, NAMES
from tests.sandbox.zips import plain_zip


def make(path: Path) -> None:
    path.write_bytes(plain_zip(*((name, GOOD) for name in NAMES), *((f"other/{name}", GOOD) for name in NAMES)))
