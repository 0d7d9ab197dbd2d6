"""Its config is a million brackets, to break the reader of JSON.

expect = "IMAGE_REJECTED"
says = "config"
"""

from pathlib import Path

from tests.sandbox.archives import tar_of


def make(path: Path) -> None:
    manifest = b"""[{"Config": "config.json", "Layers": []}]"""
    path.write_bytes(tar_of({"config.json": b'{"a":' * 500_000, "manifest.json": manifest}))
