"""The archive is a gzip of 0.5 MB that unpacks to 512 MB.

expect = "IMAGE_REJECTED"
says = "unpack"
"""

import gzip
from pathlib import Path

from tests.sandbox.archives import entry


def make(path: Path) -> None:
    header = entry("zeros")[0]
    header.size = 512 << 20
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(header.tobuf())
        for _ in range(512):
            file.write(bytes(1 << 20))
