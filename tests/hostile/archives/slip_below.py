"""Has an entry that goes down and further up.

expect = "IMAGE_REJECTED"
says = "not a plain relative path"
"""

from pathlib import Path

from tests.sandbox.zips import zipped


def make(path: Path) -> None:
    path.write_bytes(zipped(("a/../../evil.py", b"x")))
