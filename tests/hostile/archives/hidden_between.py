"""Hides something between its files and its directory.

expect = "IMAGE_REJECTED"
says = "something lies between"
"""

from pathlib import Path

from tests.sandbox.zips import PREDICT, Part, by_hand


def make(path: Path) -> None:
    path.write_bytes(by_hand(Part("predict.py", PREDICT), between=b"hidden" * 100))
