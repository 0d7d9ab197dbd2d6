"""Has a name of 60,000 characters.

expect = "IMAGE_REJECTED"
says = "too long a name"
"""

from pathlib import Path

from tests.sandbox.zips import zipped


def make(path: Path) -> None:
    path.write_bytes(zipped(("x" * 60_000, b"")))
