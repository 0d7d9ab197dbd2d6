"""An OCI layout whose index leads to an index to an index.

expect = "IMAGE_REJECTED"
says = "of a kind that is not taken"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, OciArchive, tar_of


def make(path: Path) -> None:
    made = OciArchive.of(Archive.of(tar_of({"true": b"x"})))
    for _ in range(50):
        made.nest()
    made.write(path)
