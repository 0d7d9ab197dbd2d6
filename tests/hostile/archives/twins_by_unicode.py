"""Has one name in two spellings of its accents.

expect = "IMAGE_REJECTED"
says = "are the same name"
"""

from pathlib import Path

from tests.sandbox.zips import zipped


def make(path: Path) -> None:
    path.write_bytes(zipped(("n\u00e9t.py", b"1"), ("ne\u0301t.py", b"2")))
