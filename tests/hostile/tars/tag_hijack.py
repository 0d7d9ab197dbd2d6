"""Names itself like the image of another team and like one of ours: neither name moves, and it runs as itself.

expect = "RUNTIME_ERROR"
says = "could not be started"
"""

from pathlib import Path

from sandbox.bases import ROOT_IMAGE
from tests.hostile.host import CANARY
from tests.sandbox.archives import Archive, tar_of


def make(path: Path) -> None:
    Archive.of(tar_of({"true": b"x"}), command=("/nothing",), tags=(CANARY, ROOT_IMAGE)).write(path)
