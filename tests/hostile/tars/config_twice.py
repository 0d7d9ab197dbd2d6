"""Has two configs under one name: an honest one to be looked at, another to be loaded.

expect = "IMAGE_REJECTED"
says = "is there twice"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, tar_of


def make(path: Path) -> None:
    archive = Archive.of(tar_of({"true": b"x"}))
    archive.add("config.json", archive.config_bytes().replace(b"amd64", b"i386 "))
    archive.write(path)
