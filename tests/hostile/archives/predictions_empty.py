"""Is an archive of nothing.

expect = "BAD_OUTPUT"
says = "3 are missing"
predictions = true
"""

from pathlib import Path

from tests.sandbox.zips import plain_zip


def make(path: Path) -> None:
    path.write_bytes(plain_zip())
