"""Is a program, and a zip behind it.

expect = "IMAGE_REJECTED"
says = "something lies before"
"""

from pathlib import Path

from tests.sandbox.zips import zipped


def make(path: Path) -> None:
    path.write_bytes(b"PK\x7fELF" + bytes(1000) + zipped())
