"""Says of a file of 5 MiB that it has 10 bytes.

expect = "IMAGE_REJECTED"
says = "not as long as"
"""

from pathlib import Path

from tests.sandbox.zips import patched, zipped


def make(path: Path) -> None:
    path.write_bytes(patched(zipped(("weights", bytes(5 << 20))), 24, 10))
