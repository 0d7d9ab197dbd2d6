"""Is zstd, and ends in the middle.

expect = "IMAGE_REJECTED"
says = "the archive"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, tar_of, zstd


def make(path: Path) -> None:
    path.write_bytes(zstd(Archive.of(tar_of({"true": b"x"})).bytes())[:-30])
