"""Has a NUL in its entry point.

expect = "IMAGE_REJECTED"
says = "NUL"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, tar_of


def make(path: Path) -> None:
    archive = Archive.of(tar_of({"true": b"x"}))
    archive.config["config"]["Entrypoint"] = ["/true\0evil"]
    archive.write(path)
