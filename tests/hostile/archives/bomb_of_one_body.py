"""Gives 90 names to the same 100 kB: each unpacks, and they share their bytes.

expect = "IMAGE_REJECTED"
says = "overlaps another entry"
"""

import os
from pathlib import Path

from tests.sandbox.zips import zip_of_one_body


def make(path: Path) -> None:
    path.write_bytes(zip_of_one_body(90, os.urandom(100_000)))
