"""Defines no predict().

expect = "RUNTIME_ERROR"
says = "exit code"
log = "predict"
"""

from pathlib import Path

from tests.sandbox.zips import plain_zip

PREDICT = """
x = 1
"""


def make(path: Path) -> None:
    path.write_bytes(plain_zip(("predict.py", PREDICT.encode())))
