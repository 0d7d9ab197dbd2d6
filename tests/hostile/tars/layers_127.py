"""Has 127 layers: the engine would fail after seconds.

expect = "IMAGE_REJECTED"
says = ["127 layers", "at most"]
"""

from pathlib import Path

from tests.sandbox.archives import Archive, tar_of


def make(path: Path) -> None:
    Archive.of(*(tar_of({f"{number}": b"x"}) for number in range(127))).write(path)
