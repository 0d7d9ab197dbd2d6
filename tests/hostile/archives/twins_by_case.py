"""Has Net.py and net.PY.

expect = "IMAGE_REJECTED"
says = "are the same name"
"""

from pathlib import Path

from tests.sandbox.zips import zipped


def make(path: Path) -> None:
    path.write_bytes(zipped(("Net.py", b"1"), ("net.PY", b"2")))
