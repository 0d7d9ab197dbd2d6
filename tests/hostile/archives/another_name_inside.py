"""Calls a file predict.py in its directory, and otherwise before the file.

expect = "IMAGE_REJECTED"
says = "not what the zip's directory says"
"""

from pathlib import Path

from tests.sandbox.zips import PREDICT, Part, by_hand


def make(path: Path) -> None:
    path.write_bytes(by_hand(Part("predict.py", PREDICT, local_name="evil.py")))
