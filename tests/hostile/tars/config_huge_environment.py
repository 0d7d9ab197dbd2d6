"""Has a variable of 200 kB: longer than a program may be given.

expect = "IMAGE_REJECTED"
says = "ENV"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, tar_of


def make(path: Path) -> None:
    archive = Archive.of(tar_of({"true": b"x"}))
    archive.config["config"]["Env"] = ["LONG=" + "x" * 200_000]
    archive.write(path)
