"""Is a program.

expect = "IMAGE_REJECTED"
says = "is not a tar"
"""

from pathlib import Path


def make(path: Path) -> None:
    path.write_bytes(b"\x7fELF" + bytes(5000))
