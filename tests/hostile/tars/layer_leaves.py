"""A layer has an entry ../../../tmp/parakh-escaped.

expect = "IMAGE_REJECTED"
says = "leaves the image"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, tar_of


def make(path: Path) -> None:
    Archive.of(tar_of({"../../../../tmp/parakh-escaped": b"x"})).write(path)
