"""Claims another team's layer by its digest, and ships none.

expect = "IMAGE_REJECTED"
says = "another number of layers"
"""

from pathlib import Path

import docker

from tests.hostile.host import CANARY
from tests.sandbox.archives import Archive, tar_of


def make(path: Path) -> None:
    client = docker.from_env()
    stolen = client.images.get(CANARY).attrs["RootFS"]["Layers"]
    client.close()
    archive = Archive.of(tar_of({"true": b"x"}))
    archive.diff_ids += stolen
    archive.write(path)
