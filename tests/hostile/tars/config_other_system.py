"""Is built for Windows.

expect = "IMAGE_REJECTED"
says = "Linux"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, tar_of


def make(path: Path) -> None:
    archive = Archive.of(tar_of({"true": b"x"}))
    archive.config["os"] = "windows"
    archive.write(path)
