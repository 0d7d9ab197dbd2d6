"""Claims another team's layer by its digest, and ships garbage: the engine would give that team's files away.

expect = "IMAGE_REJECTED"
says = "is not what the config says it is"
"""

from pathlib import Path

import docker

from tests.hostile.host import CANARY
from tests.sandbox.archives import Archive


def make(path: Path) -> None:
    client = docker.from_env()
    stolen = client.images.get(CANARY).attrs["RootFS"]["Layers"]
    client.close()
    archive = Archive.of(b"garbage")
    archive.diff_ids = list(stolen)
    archive.write(path)
