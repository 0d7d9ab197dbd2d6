"""Its predict.py is a symbolic link to a file of the host.

expect = "IMAGE_REJECTED"
says = "'predict.py' is a link or a device"
"""

import stat
from pathlib import Path

from tests.sandbox.zips import plain_zip, special


def make(path: Path) -> None:
    path.write_bytes(plain_zip((special("predict.py", stat.S_IFLNK), b"/proc/self/environ")))
