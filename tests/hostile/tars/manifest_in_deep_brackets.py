"""Its manifest is a million brackets.

expect = "IMAGE_REJECTED"
says = "manifest.json"
"""

from pathlib import Path

from tests.sandbox.archives import tar_of


def make(path: Path) -> None:
    path.write_bytes(tar_of({"manifest.json": b"[" * 1_000_000}))
