"""Holds a zip with ../../evil in it: just a file, which nobody unpacks.

expect = "OK"
"""

from pathlib import Path

from tests.sandbox.zips import plain_zip

PREDICT = """
import os
assert sorted(os.listdir("/submission")) == ["inner.zip", "predict.py"], os.listdir("/submission")
def predict(image):
    return image[..., 0] * 0
"""


def make(path: Path) -> None:
    path.write_bytes(plain_zip(("predict.py", PREDICT.encode()), ("inner.zip", plain_zip(("../../evil", b"x")))))
