"""Has an entry C:evil.py.

expect = "IMAGE_REJECTED"
says = "not a plain relative path"
"""

from pathlib import Path

from tests.sandbox.zips import zipped


def make(path: Path) -> None:
    path.write_bytes(zipped(("C:evil.py", b"x")))
