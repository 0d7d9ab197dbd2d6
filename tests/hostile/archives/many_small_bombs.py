"""Holds many files, each of which alone could pass.

expect = "IMAGE_REJECTED"
says = "unpacks to more than 8.0 MiB"
"""

from pathlib import Path

from tests.sandbox.zips import zipped


def make(path: Path) -> None:
    path.write_bytes(zipped(*((f"z{number}", bytes(1 << 20)) for number in range(9))))
