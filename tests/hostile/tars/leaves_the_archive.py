"""Has an entry ../../etc/cron.d/evil.

expect = "IMAGE_REJECTED"
says = "leaves the archive"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, tar_of


def make(path: Path) -> None:
    Archive.of(tar_of({"true": b"x"})).add("../../etc/cron.d/evil", b"x").write(path)
