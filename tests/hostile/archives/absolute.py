"""Has an entry /etc/cron.d/evil.

expect = "IMAGE_REJECTED"
says = "not a plain relative path"
"""

from pathlib import Path

from tests.sandbox.zips import zipped


def make(path: Path) -> None:
    path.write_bytes(zipped(("/etc/cron.d/evil", b"x")))
