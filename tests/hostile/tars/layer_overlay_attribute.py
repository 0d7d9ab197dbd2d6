"""A layer sets attributes of the engine's own file system.

expect = "IMAGE_REJECTED"
says = "trusted."
"""

from pathlib import Path

from tests.sandbox.archives import Archive, entry, tar_with


def make(path: Path) -> None:
    Archive.of(tar_with(entry("a", pax_headers={"SCHILY.xattr.trusted.overlay.opaque": "y"}))).write(path)
