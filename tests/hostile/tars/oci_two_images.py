"""An OCI layout of two images.

expect = "IMAGE_REJECTED"
says = "exactly one image"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, OciArchive, tar_of


def make(path: Path) -> None:
    made = OciArchive.of(Archive.of(tar_of({"true": b"x"})))
    made.manifests.append(made.put_image(Archive.of(tar_of({"other": b"y"}))))
    made.write(path)
