"""An OCI layout that holds something else than an image.

expect = "IMAGE_REJECTED"
says = "upload a container image"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, OciArchive, tar_of


def make(path: Path) -> None:
    made = OciArchive()
    chart = made.put(b"{}", "application/vnd.cncf.helm.config.v1+json")
    made.manifests.append(made.put_image(Archive.of(tar_of({"true": b"x"})), config=chart))
    made.write(path)
