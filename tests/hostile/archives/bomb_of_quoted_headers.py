"""Gives 90 names to the same 100 kB, each quoting the header of the next (the bomb of 4.5 PB in 46 MB is made so).

expect = "IMAGE_REJECTED"
says = "overlaps another entry"
"""

import os
from pathlib import Path

from tests.sandbox.zips import zip_of_quoted_headers


def make(path: Path) -> None:
    path.write_bytes(zip_of_quoted_headers(90, os.urandom(100_000)))
