"""Has an entry ..\\\\..\\\\evil.py.

expect = "IMAGE_REJECTED"
says = "not a plain relative path"
"""

import stat
from pathlib import Path

from tests.sandbox.zips import special, zipped


def make(path: Path) -> None:
    path.write_bytes(zipped((special("..\\\\..\\\\evil.py", stat.S_IFREG), b"x")))
