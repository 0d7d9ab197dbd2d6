"""Has 3,000 headers that belong to no entry.

expect = "IMAGE_REJECTED"
says = "header"
"""

from pathlib import Path

from tests.sandbox.archives import pax_header, record


def make(path: Path) -> None:
    path.write_bytes(pax_header(record("comment", b"x")) * 3000)
