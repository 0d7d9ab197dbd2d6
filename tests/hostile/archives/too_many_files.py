"""Has 10,000 files.

expect = "IMAGE_REJECTED"
says = "too many entries"
"""

from pathlib import Path

from tests.sandbox.zips import zipped


def make(path: Path) -> None:
    path.write_bytes(zipped(*((f"{number}", b"") for number in range(10_000))))
