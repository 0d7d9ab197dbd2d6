"""A layer brings the block device of the disk.

expect = "IMAGE_REJECTED"
says = "leave /dev to the container"
"""

import tarfile
from pathlib import Path

from tests.sandbox.archives import Archive, device, tar_with


def make(path: Path) -> None:
    Archive.of(tar_with(device("disk", tarfile.BLKTYPE, 8, 0))).write(path)
