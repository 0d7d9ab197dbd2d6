"""Label maps for all images.

expect = "OK"
says = "All 3 label maps were scored"
predictions = true
"""

from pathlib import Path

from tests.hostile.archives import GOOD, NAMES
from tests.sandbox.zips import plain_zip


def make(path: Path) -> None:
    path.write_bytes(plain_zip(*((name, GOOD) for name in NAMES)))
