"""Its predict.py is a folder.

expect = "IMAGE_REJECTED"
says = "no predict.py at the top"
"""

from pathlib import Path

from tests.sandbox.zips import plain_zip


def make(path: Path) -> None:
    path.write_bytes(plain_zip(("predict.py/", b""), ("predict.py/__init__.py", b"x")))
