"""A layer brings the device of the memory.

expect = "IMAGE_REJECTED"
says = "leave /dev to the container"
"""

import tarfile
from pathlib import Path

from tests.sandbox.archives import Archive, device, tar_with


def make(path: Path) -> None:
    Archive.of(tar_with(device("mem", tarfile.CHRTYPE, 1, 1))).write(path)
