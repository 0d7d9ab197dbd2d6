"""A layer is packed with xz, which the engine would unpack to any size.

expect = "IMAGE_REJECTED"
says = "xz"
"""

import lzma
from pathlib import Path

from tests.sandbox.archives import Archive, tar_of


def make(path: Path) -> None:
    Archive.of(lzma.compress(tar_of({"true": b"x"}))).write(path)
