"""Claims another team's layer by its digest, and ships none.

expect = "IMAGE_REJECTED"
says = "another number of layers"
"""

import contextlib
from pathlib import Path

from sandbox.engine import connect
from tests.hostile.host import CANARY
from tests.sandbox.archives import Archive, tar_of


def make(path: Path) -> None:
    with contextlib.closing(connect()) as client:
        stolen = client.images.get(CANARY).attrs["RootFS"]["Layers"]
    archive = Archive.of(tar_of({"true": b"x"}))
    archive.diff_ids += stolen
    archive.write(path)
