"""Has a FIFO: who opens it waits for ever.

expect = "IMAGE_REJECTED"
says = "is a link or a device"
"""

import stat
from pathlib import Path

from tests.sandbox.zips import special, zipped


def make(path: Path) -> None:
    path.write_bytes(zipped((special("fifo", stat.S_IFIFO), b"")))
