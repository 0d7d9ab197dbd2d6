"""A layer removes what lies above it, by a whiteout of "..".

expect = "IMAGE_REJECTED"
says = "whiteout"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, tar_of


def make(path: Path) -> None:
    Archive.of(tar_of({".wh..": b""})).write(path)
