"""Has Predict.PY.

expect = "IMAGE_REJECTED"
says = "no predict.py at the top"
"""

from pathlib import Path

from tests.sandbox.zips import plain_zip


def make(path: Path) -> None:
    path.write_bytes(plain_zip(("Predict.PY", b"x")))
