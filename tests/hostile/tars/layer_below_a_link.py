"""A layer makes a link to a folder, and then a file below it.

expect = "IMAGE_REJECTED"
says = "lies below the symbolic link"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, entry, symlink, tar_with


def make(path: Path) -> None:
    Archive.of(tar_with(symlink("a", "/etc"), entry("a/passwd", b"x"))).write(path)
