"""A layer has an entry /etc/passwd.

expect = "IMAGE_REJECTED"
says = "is absolute"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, tar_of


def make(path: Path) -> None:
    Archive.of(tar_of({"/etc/passwd": b"x"})).write(path)
