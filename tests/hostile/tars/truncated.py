"""Ends in the middle.

expect = "IMAGE_REJECTED"
says = "cut off"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, tar_of


def make(path: Path) -> None:
    path.write_bytes(Archive.of(tar_of({"true": b"x"})).bytes()[:1300])
