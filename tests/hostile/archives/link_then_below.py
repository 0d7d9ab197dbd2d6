"""Has a link to a folder, then a file below it.

expect = "IMAGE_REJECTED"
says = "is a link or a device"
"""

import stat
from pathlib import Path

from tests.sandbox.zips import special, zipped


def make(path: Path) -> None:
    path.write_bytes(zipped((special("a", stat.S_IFLNK), b"/tmp"), ("a/evil", b"x")))
