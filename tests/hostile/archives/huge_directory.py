"""Promises a directory of 4 GiB, to be read into memory.

expect = "IMAGE_REJECTED"
says = "too many entries"
"""

from pathlib import Path

from tests.sandbox.zips import zipped


def make(path: Path) -> None:
    path.write_bytes(zipped()[:-10] + b"\xf0\xff\xff\xff" + zipped()[-6:])
