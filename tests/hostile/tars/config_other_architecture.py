"""Is built for another processor.

expect = "IMAGE_REJECTED"
says = "--platform"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, tar_of


def make(path: Path) -> None:
    archive = Archive.of(tar_of({"true": b"x"}))
    archive.config["architecture"] = "s390x"
    archive.write(path)
