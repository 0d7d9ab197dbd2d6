"""Has its predict.py in a folder.

expect = "IMAGE_REJECTED"
says = "zip the files, not the folder around them"
"""

from pathlib import Path

from tests.sandbox.zips import plain_zip


def make(path: Path) -> None:
    path.write_bytes(plain_zip(("model/predict.py", b"x")))
