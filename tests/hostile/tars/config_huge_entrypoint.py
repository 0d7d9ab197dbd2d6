"""Has an entry point of 200 kB.

expect = "IMAGE_REJECTED"
says = "ENTRYPOINT"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, tar_of


def make(path: Path) -> None:
    archive = Archive.of(tar_of({"true": b"x"}))
    archive.config["config"]["Entrypoint"] = ["/true", "x" * 200_000]
    archive.write(path)
