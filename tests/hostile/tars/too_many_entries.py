"""Has 100,000 empty entries.

expect = "IMAGE_REJECTED"
says = "entries"
"""

from pathlib import Path

from tests.sandbox.archives import tar_of


def make(path: Path) -> None:
    path.write_bytes(tar_of({f"{number}": b"" for number in range(10_000)}))
