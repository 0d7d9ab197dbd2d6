"""Has a folder ../evil/.

expect = "IMAGE_REJECTED"
says = "not a plain relative path"
"""

from pathlib import Path

from tests.sandbox.zips import zipped


def make(path: Path) -> None:
    path.write_bytes(zipped(("../evil/", b"")))
