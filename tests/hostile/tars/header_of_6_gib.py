"""Has a header that claims 6 GiB, to be read into memory.

expect = "IMAGE_REJECTED"
says = "absurd size"
"""

import tarfile
from pathlib import Path


def make(path: Path) -> None:
    entry = tarfile.TarInfo("long")
    entry.type, entry.size = tarfile.GNUTYPE_LONGNAME, 6 << 30
    path.write_bytes(entry.tobuf(tarfile.USTAR_FORMAT) + bytes(1 << 20))
