"""Is larger than an archive may be.

expect = "IMAGE_REJECTED"
says = "at most 2.0 MiB are allowed"
"""

import os
from pathlib import Path

from tests.sandbox.zips import zipped


def make(path: Path) -> None:
    path.write_bytes(zipped(("weights", os.urandom(3 << 20))))
