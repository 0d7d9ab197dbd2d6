"""Ends in the middle.

expect = "IMAGE_REJECTED"
says = "not a whole zip"
"""

import os
from pathlib import Path

from tests.sandbox.zips import zipped


def make(path: Path) -> None:
    path.write_bytes(zipped(("weights", os.urandom(9999)))[:5000])
