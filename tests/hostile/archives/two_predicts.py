"""Has predict.py twice: one to be looked at, one to be run.

expect = "IMAGE_REJECTED"
says = "are the same name"
"""

from pathlib import Path

from tests.sandbox.zips import PREDICT, Part, by_hand


def make(path: Path) -> None:
    path.write_bytes(by_hand(Part("predict.py", PREDICT), Part("predict.py", b"import os")))
