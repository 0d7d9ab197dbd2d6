"""An honest OCI layout with a zstd layer: it gets as far as its own missing program.

expect = "RUNTIME_ERROR"
says = "could not be started"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, OciArchive, digest_of, tar_of, zstd


def make(path: Path) -> None:
    layer = tar_of({"true": b"x"})
    archive = Archive.of(zstd(layer), command=("/nothing",))
    archive.diff_ids = [digest_of(layer)]
    OciArchive.of(archive, "layer.v1.tar+zstd").write(path)
