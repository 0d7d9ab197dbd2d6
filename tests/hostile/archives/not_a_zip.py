"""Begins like a zip, and is none.

expect = "IMAGE_REJECTED"
says = "not a whole zip"
"""

from pathlib import Path


def make(path: Path) -> None:
    path.write_bytes(b"PK\3\4" + bytes(5000))
