"""Holds 6 MiB of nothing in 6 kB.

expect = "IMAGE_REJECTED"
says = "that is a zip bomb"
"""

from pathlib import Path

from tests.sandbox.zips import zipped


def make(path: Path) -> None:
    path.write_bytes(zipped(("zeros", bytes(6 << 20))))
