"""Its config holds numbers where the engine expects text.

expect = "IMAGE_REJECTED"
says = "text"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, tar_of


def make(path: Path) -> None:
    archive = Archive.of(tar_of({"true": b"x"}))
    archive.config["config"]["Env"] = [1, None, {}]
    archive.write(path)
