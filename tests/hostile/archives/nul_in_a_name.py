"""Has an entry whose name goes on behind a NUL.

expect = "IMAGE_REJECTED"
says = "unprintable"
"""

from pathlib import Path

from tests.sandbox.zips import PREDICT, Part, by_hand


def make(path: Path) -> None:
    path.write_bytes(by_hand(Part("predict.py", PREDICT), Part("a.py\0.txt", b"x")))
