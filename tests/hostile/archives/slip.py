"""Has an entry ../evil.py.

expect = "IMAGE_REJECTED"
says = "'../evil.py' is not a plain relative path"
"""

from pathlib import Path

from tests.sandbox.zips import zipped


def make(path: Path) -> None:
    path.write_bytes(zipped(("../evil.py", b"x")))
