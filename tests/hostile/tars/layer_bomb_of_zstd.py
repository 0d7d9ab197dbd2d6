"""A zstd layer of 20 kB that unpacks to 512 MB.

expect = "IMAGE_REJECTED"
says = "unpack"
"""

import io
from pathlib import Path

import zstandard

from tests.sandbox.archives import Archive, OciArchive, digest_of


def make(path: Path) -> None:
    packed = io.BytesIO()
    with zstandard.ZstdCompressor().stream_writer(packed, closefd=False) as file:
        for _ in range(512):
            file.write(bytes(1 << 20))
    archive = Archive.of(packed.getvalue())
    archive.diff_ids = [digest_of(b"whatever")]
    OciArchive.of(archive, "layer.v1.tar+zstd").write(path)
