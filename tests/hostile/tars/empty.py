"""Is empty.

expect = "IMAGE_REJECTED"
says = "is empty"
"""

from pathlib import Path


def make(path: Path) -> None:
    path.write_bytes(b"")
