"""Has 100,000 variables.

expect = "IMAGE_REJECTED"
says = "ENV"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, tar_of


def make(path: Path) -> None:
    archive = Archive.of(tar_of({"true": b"x"}))
    archive.config["config"]["Env"] = [f"V{number}=x" for number in range(100_000)]
    archive.write(path)
