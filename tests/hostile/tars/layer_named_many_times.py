"""Names one layer of 1 MiB twelve times: the engine would unpack it twelve times.

expect = "IMAGE_REJECTED"
says = "layers"
"""

import os
from pathlib import Path

from tests.sandbox.archives import Archive, tar_of


def make(path: Path) -> None:
    archive = Archive.of(tar_of({"block": os.urandom(1 << 20)}))
    archive.diff_ids *= 12
    described = {"Config": "config.json", "RepoTags": [], "Layers": archive.names * 12}
    archive.manifest = [described]
    archive.write(path)
