"""A layer has more files than an image may.

expect = "IMAGE_REJECTED"
says = "files"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, tar_of


def make(path: Path) -> None:
    Archive.of(tar_of({f"{number}": b"" for number in range(2000)})).write(path)
