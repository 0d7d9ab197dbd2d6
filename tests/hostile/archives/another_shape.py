"""Returns pictures of another shape and kind.

expect = "RUNTIME_ERROR"
says = "exit code"
log = "predict"
"""

from pathlib import Path

from tests.sandbox.zips import plain_zip

PREDICT = """
import numpy
def predict(image):
    return numpy.zeros((7, 7, 3), dtype=object)
"""


def make(path: Path) -> None:
    path.write_bytes(plain_zip(("predict.py", PREDICT.encode())))
