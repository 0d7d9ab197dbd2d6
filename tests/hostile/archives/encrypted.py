"""Is encrypted.

expect = "IMAGE_REJECTED"
says = "encrypted; zip it without a password"
"""

from pathlib import Path

from tests.sandbox.zips import zipped


def make(path: Path) -> None:
    path.write_bytes(
        zipped(("weights", b"x" * 100))
        .replace(b"PK\1\2\x14\3\x14\0\0\0", b"PK\1\2\x14\3\x14\0\1\0")
        .replace(b"PK\3\4\x14\0\0\0", b"PK\3\4\x14\0\1\0")
    )
