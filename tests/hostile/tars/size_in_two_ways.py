"""Says two lengths of its layer: one reader sees another archive than the next.

expect = "IMAGE_REJECTED"
says = "not to be trusted"
"""

from pathlib import Path

from tests.sandbox.archives import Archive, pax_header, record, tar_of


def make(path: Path) -> None:
    path.write_bytes(
        pax_header(record("size", b"1") + record("size", b"2")) + Archive.of(tar_of({"true": b"x"})).bytes()
    )
