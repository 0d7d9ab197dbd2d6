"""Declares a volume at its root.

expect = "IMAGE_REJECTED"
says = "VOLUME"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, tar_of


def make(path: Path) -> None:
    archive = Archive.of(tar_of({"true": b"x"}))
    archive.config["config"]["Volumes"] = {"/": {}}
    archive.write(path)
