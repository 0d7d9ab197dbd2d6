"""Claims another team's layer by its digest, and ships garbage: the engine would give that team's files away.

expect = "IMAGE_REJECTED"
says = "is not what the config says it is"
"""

import contextlib
from pathlib import Path

from sandbox.engine import connect
from tests.hostile.host import CANARY
from tests.sandbox.archives import Archive


def make(path: Path) -> None:
    with contextlib.closing(connect()) as client:
        stolen = client.images.get(CANARY).attrs["RootFS"]["Layers"]
    archive = Archive.of(b"garbage")
    archive.diff_ids = list(stolen)
    archive.write(path)
