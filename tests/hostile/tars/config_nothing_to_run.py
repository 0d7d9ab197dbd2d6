"""Has nothing to run.

expect = "IMAGE_REJECTED"
says = "neither ENTRYPOINT nor CMD"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, tar_of


def make(path: Path) -> None:
    archive = Archive.of(tar_of({"true": b"x"}))
    archive.config["config"] = {}
    archive.write(path)
