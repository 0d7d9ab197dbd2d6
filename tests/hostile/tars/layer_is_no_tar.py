"""A layer is no tar.

expect = "IMAGE_REJECTED"
says = "layer"
"""

from pathlib import Path

from tests.sandbox.archives import Archive


def make(path: Path) -> None:
    Archive.of(b"no tar at all" * 100).write(path)
