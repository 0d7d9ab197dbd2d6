"""An honest archive, gzipped: it gets as far as its own missing program.

expect = "RUNTIME_ERROR"
says = "could not be started"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, gzipped, tar_of


def make(path: Path) -> None:
    path.write_bytes(gzipped(Archive.of(tar_of({"true": b"x"}), command=("/nothing",)).bytes()))
