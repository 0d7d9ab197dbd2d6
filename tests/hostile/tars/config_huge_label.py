"""Has a label of 1 MB.

expect = "IMAGE_REJECTED"
says = "LABEL"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, tar_of


def make(path: Path) -> None:
    archive = Archive.of(tar_of({"true": b"x"}))
    archive.config["config"]["Labels"] = {"label": "x" * 1_000_000}
    archive.write(path)
