"""Says another length in its directory than before the file.

expect = "IMAGE_REJECTED"
says = "not as long as"
"""

from pathlib import Path

from tests.sandbox.zips import Part, by_hand


def make(path: Path) -> None:
    path.write_bytes(by_hand(Part("weights", b"x" * 5000, local_sizes=(50, 60))))
