"""Has a file that is a folder as well.

expect = "IMAGE_REJECTED"
says = "a file and a folder at once"
"""

from pathlib import Path

from tests.sandbox.zips import zipped


def make(path: Path) -> None:
    path.write_bytes(zipped(("net", b""), ("net/model.py", b"")))
