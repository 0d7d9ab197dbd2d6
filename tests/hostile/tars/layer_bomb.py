"""A gzip layer of 0.5 MB that unpacks to 512 MB.

expect = "IMAGE_REJECTED"
says = "unpack"
"""

import gzip
import io
from pathlib import Path

from tests.sandbox.archives import Archive, digest_of, entry


def make(path: Path) -> None:
    packed = io.BytesIO()
    header = entry("zeros")[0]
    header.size = 512 << 20
    layer = header.tobuf()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1) as file:
        file.write(layer)
        for _ in range(512):
            file.write(bytes(1 << 20))
    archive = Archive.of(packed.getvalue())
    archive.diff_ids = [digest_of(b"whatever")]
    archive.write(path)
