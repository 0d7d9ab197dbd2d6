"""Has a hard link to /etc/passwd.

expect = "IMAGE_REJECTED"
says = "neither file nor directory"
"""

import tarfile
from pathlib import Path

from tests.sandbox.archives import Archive, tar_of


def make(path: Path) -> None:
    Archive.of(tar_of({"true": b"x"})).add("x", type=tarfile.LNKTYPE, linkname="/etc/passwd").write(path)
