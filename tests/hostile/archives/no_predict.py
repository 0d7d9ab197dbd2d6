"""Has no predict.py.

expect = "IMAGE_REJECTED"
says = "no predict.py at the top of the archive"
"""

from pathlib import Path

from tests.sandbox.zips import plain_zip


def make(path: Path) -> None:
    path.write_bytes(plain_zip(("main.py", b"x")))
