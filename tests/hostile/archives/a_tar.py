"""Is a tar.

expect = "IMAGE_REJECTED"
says = "not a whole zip"
"""

from pathlib import Path

from tests.sandbox.archives import tar_of


def make(path: Path) -> None:
    path.write_bytes(tar_of({"predict.py": b"x"}))
