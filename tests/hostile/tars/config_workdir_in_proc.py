"""Has a WORKDIR inside /proc, by a way round (CVE-2024-21626).

expect = "IMAGE_REJECTED"
says = "WORKDIR"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, tar_of


def make(path: Path) -> None:
    archive = Archive.of(tar_of({"true": b"x"}))
    archive.config["config"]["WorkingDir"] = "/tmp/../proc/self/fd/8"
    archive.write(path)
