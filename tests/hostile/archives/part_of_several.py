"""Is the second of three parts.

expect = "IMAGE_REJECTED"
says = "one part of several"
"""

from pathlib import Path

from tests.sandbox.zips import zipped


def make(path: Path) -> None:
    path.write_bytes(zipped().replace(b"PK\5\6\0\0\0\0", b"PK\5\6\2\0\0\0"))
