"""Has an entry without a name.

expect = "IMAGE_REJECTED"
says = "not a plain relative path"
"""

from pathlib import Path

from tests.sandbox.zips import Part, by_hand


def make(path: Path) -> None:
    path.write_bytes(by_hand(Part("", b"x")))
