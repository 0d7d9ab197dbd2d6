"""Has a block device.

expect = "IMAGE_REJECTED"
says = "neither file nor directory"
"""

import tarfile
from pathlib import Path

from tests.sandbox.archives import Archive, tar_of


def make(path: Path) -> None:
    Archive.of(tar_of({"true": b"x"})).add("sda", type=tarfile.BLKTYPE, devmajor=8).write(path)
