"""Is gzip, and ends in the middle.

expect = "IMAGE_REJECTED"
says = "the archive"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, gzipped, tar_of


def make(path: Path) -> None:
    path.write_bytes(gzipped(Archive.of(tar_of({"true": b"x"})).bytes())[:-30])
