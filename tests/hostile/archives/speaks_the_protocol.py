"""Speaks the protocol itself, past our helper, before it is asked.

expect = "PROTOCOL"
"""

from pathlib import Path

from tests.sandbox.zips import plain_zip

PREDICT = """
import os
for number in range(3, 20):
    try:
        os.write(number, b"\\0\\0\\0\\1x" * 5)
    except OSError:
        pass
os.write(1, b"\\0\\0\\0\\1x" * 5)
def predict(image):
    return image[..., 0] * 0
"""


def make(path: Path) -> None:
    path.write_bytes(plain_zip(("predict.py", PREDICT.encode())))
