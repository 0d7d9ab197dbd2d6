"""Has a mark in a name that turns the line around.

expect = "IMAGE_REJECTED"
says = "unprintable"
"""

from pathlib import Path

from tests.sandbox.zips import zipped


def make(path: Path) -> None:
    path.write_bytes(zipped(("a\u202egnp.py", b"")))
