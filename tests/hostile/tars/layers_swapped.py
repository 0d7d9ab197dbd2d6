"""Names its layers in another order than its config.

expect = "IMAGE_REJECTED"
says = "is not what the config says it is"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, tar_of


def make(path: Path) -> None:
    archive = Archive.of(tar_of({"true": b"x"}), tar_of({"false": b"y"}))
    archive.diff_ids.reverse()
    archive.write(path)
