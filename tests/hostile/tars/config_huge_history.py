"""Has a history of 8 MB.

expect = "IMAGE_REJECTED"
says = "the config"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, tar_of


def make(path: Path) -> None:
    archive = Archive.of(tar_of({"true": b"x"}))
    archive.config["history"] = [{"created_by": "x" * 8_000_000}]
    archive.write(path)
