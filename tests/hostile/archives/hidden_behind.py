"""Hides something behind its end.

expect = "IMAGE_REJECTED"
says = "something follows the end"
"""

from pathlib import Path

from tests.sandbox.zips import PREDICT, Part, by_hand


def make(path: Path) -> None:
    path.write_bytes(by_hand(Part("predict.py", PREDICT), after=b"hidden" * 100))
