"""A layer is packed with bzip2, which the engine would unpack to any size.

expect = "IMAGE_REJECTED"
says = "bzip2"
"""

import bz2
from pathlib import Path

from tests.sandbox.archives import Archive, tar_of


def make(path: Path) -> None:
    Archive.of(bz2.compress(tar_of({"true": b"x"}))).write(path)
