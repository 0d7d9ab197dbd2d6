"""Has escapes for terminals in a name.

expect = "IMAGE_REJECTED"
says = "unprintable"
"""

from pathlib import Path

from tests.sandbox.zips import zipped


def make(path: Path) -> None:
    path.write_bytes(zipped(("a\x1b[2Jb", b"")))
