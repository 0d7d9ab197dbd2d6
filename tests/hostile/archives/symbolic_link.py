"""Has a symbolic link to /etc/passwd.

expect = "IMAGE_REJECTED"
says = "'weights' is a link or a device"
"""

import stat
from pathlib import Path

from tests.sandbox.zips import special, zipped


def make(path: Path) -> None:
    path.write_bytes(zipped((special("weights", stat.S_IFLNK), b"/etc/passwd")))
