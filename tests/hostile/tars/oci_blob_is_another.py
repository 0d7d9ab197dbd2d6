"""An OCI layout with other bytes under the digest of its layer.

expect = "IMAGE_REJECTED"
says = "is not what its"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, OciArchive, tar_of


def make(path: Path) -> None:
    made = OciArchive.of(Archive.of(tar_of({"true": b"x"})))
    name = max(made.files, key=lambda each: len(made.files[each]))
    made.files[name] = tar_of({"true": b"y"})
    made.write(path)
