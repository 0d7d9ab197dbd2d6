"""Spells VOLUME in other letters: the engine reads it all the same.

expect = "IMAGE_REJECTED"
says = "volumes"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, tar_of


def make(path: Path) -> None:
    archive = Archive.of(tar_of({"true": b"x"}))
    archive.config["config"]["volumes"] = {"/data": {}}
    archive.write(path)
