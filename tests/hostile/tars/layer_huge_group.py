"""/etc/group has 150,000 lines for our group: the engine would keep each of them at every start.

expect = "IMAGE_REJECTED"
says = "list of accounts"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, tar_of


def make(path: Path) -> None:
    Archive.of(tar_of({"etc/group": b"a::65534:\n" * 150_000})).write(path)
