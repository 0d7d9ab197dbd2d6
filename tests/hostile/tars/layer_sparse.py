"""A layer has a sparse file: 8 EiB in no bytes.

expect = "IMAGE_REJECTED"
says = "sparse"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, entry, tar_with


def make(path: Path) -> None:
    Archive.of(
        tar_with(
            entry(
                "hole",
                pax_headers={
                    "GNU.sparse.major": "1",
                    "GNU.sparse.minor": "0",
                    "GNU.sparse.realsize": "9223372036854775807",
                },
            )
        )
    ).write(path)
