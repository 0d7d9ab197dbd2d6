"""A layer has a symbolic link ../../../../var/lib/docker.

expect = "IMAGE_REJECTED"
says = "leaves the image"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, symlink, tar_with


def make(path: Path) -> None:
    Archive.of(tar_with(symlink("up", "../../../../var/lib/docker"))).write(path)
