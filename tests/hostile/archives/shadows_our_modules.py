"""Brings modules of the names of our helper and of Python's own: it harms nobody but itself.

expect = "RUNTIME_ERROR"
says = "exit code 9"
"""

from pathlib import Path

from tests.sandbox.zips import zipped

EVIL = b"raise SystemExit(9)"


def make(path: Path) -> None:
    path.write_bytes(zipped(("parakh.py", EVIL), ("numpy.py", EVIL), ("json.py", EVIL)))
