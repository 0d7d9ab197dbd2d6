"""Its manifest says twice what its layers are: readers of JSON take the first or the last.

expect = "IMAGE_REJECTED"
says = "twice"
"""

from pathlib import Path

from tests.sandbox.archives import tar_of


def make(path: Path) -> None:
    manifest = b"""[{"Config": "c", "Layers": [], "Layers": ["../x"]}]"""
    path.write_bytes(tar_of({"c": b"{}", "manifest.json": manifest}))
