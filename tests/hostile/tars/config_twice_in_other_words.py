"""Has its config twice, the second under a longer way to the same name.

expect = "IMAGE_REJECTED"
says = "is there twice"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, tar_of


def make(path: Path) -> None:
    archive = Archive.of(tar_of({"true": b"x"}))
    archive.add("./layer0/../config.json", archive.config_bytes())
    archive.write(path)
