"""Has a symbolic link out of the archive.

expect = "IMAGE_REJECTED"
says = "leaves the archive"
"""

import tarfile
from pathlib import Path

from tests.sandbox.archives import Archive, tar_of


def make(path: Path) -> None:
    Archive.of(tar_of({"true": b"x"})).add("up", type=tarfile.SYMTYPE, linkname="../../etc").write(path)
