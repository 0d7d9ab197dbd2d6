"""Holds two images.

expect = "IMAGE_REJECTED"
says = "exactly one image"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, tar_of


def make(path: Path) -> None:
    archive = Archive.of(tar_of({"true": b"x"}))
    described = {"Config": "config.json", "RepoTags": [], "Layers": archive.names}
    archive.manifest = [described, described]
    archive.write(path)
