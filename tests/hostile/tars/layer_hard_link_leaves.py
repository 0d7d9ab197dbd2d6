"""A layer has a hard link to ../../../../etc/shadow.

expect = "IMAGE_REJECTED"
says = "hard link that leaves the image"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, hard_link, tar_with


def make(path: Path) -> None:
    Archive.of(tar_with(hard_link("shadow", "../../../../etc/shadow"))).write(path)
