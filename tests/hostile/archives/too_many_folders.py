"""Has 90 files, each forty new folders down.

expect = "IMAGE_REJECTED"
says = "files and folders"
"""

from pathlib import Path

from tests.sandbox.zips import zipped


def make(path: Path) -> None:
    path.write_bytes(zipped(*(("/".join(f"{number}x{place}" for place in range(30)), b"") for number in range(90))))
