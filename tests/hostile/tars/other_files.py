"""Is a tar of something else.

expect = "IMAGE_REJECTED"
says = "neither manifest.json nor index.json"
"""

from pathlib import Path

from tests.sandbox.archives import tar_of


def make(path: Path) -> None:
    path.write_bytes(tar_of({"predict.py": b"def predict(image): ..."}))
