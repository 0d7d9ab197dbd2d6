"""Bombs, and what inspection itself needs: whatever comes, little memory."""

from __future__ import annotations

import random
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard

from sandbox import Limits, images
from sandbox.image.admission import inspect
from tests.sandbox.archives import (
    Archive,
    bomb,
    gzipped,
    honest,
    huge_header,
    many_headers,
    refusal,
    tar_of,
    zstd,
)
from tests.sandbox.guests import MIB


@pytest.mark.parametrize("pack", [gzipped, zstd])
@pytest.mark.parametrize("where", ["layer", "archive"])
def test_what_unpacks_to_a_hundred_times_its_size_is_a_bomb_within_any_limit(
    pack: Callable[[bytes], bytes], where: str, tmp_path: Path
) -> None:
    zeros = 200 * MIB
    content = bomb(pack, zeros) if where == "layer" else pack(Archive.of(tar_of({"z": bytes(zeros)})).bytes())
    found = refusal(content, tmp_path, Limits())
    assert "unpacks to more than 100 times its size" in str(found)
    assert found.entry == ("entry 'layer0/layer.tar'" if where == "layer" else "the archive")


def test_what_is_no_layer_counts_as_well(tmp_path: Path) -> None:
    """It can't be unpacked, so none of it is counted as a layer; yet all of it must be read."""
    block = random.Random(0).randbytes(2048) + bytes(62 * 1024)
    content = gzipped(tar_of({"junk": b"\xfd7zXZ\0" + block * 1600}))
    found = refusal(content, tmp_path, Limits(image_unpacked_bytes=4 * MIB))
    assert "unpacks to far more than 4.0 MiB" in str(found)


SMALL_WORKER = """
import resource, sys, pathlib
sys.path.insert(0, sys.argv[2])
from sandbox import BadImage, Limits, images
used = int(open("/proc/self/statm").read().split()[0]) * 4096
resource.setrlimit(resource.RLIMIT_AS, (used + 96 * 2**20, -1))
try:
    print("accepted", images.inspect(pathlib.Path(sys.argv[1]), Limits(), architecture="amd64").unpacked_bytes)
except BadImage as error:
    print("refused", error)
"""


def _many_small_files() -> Iterator[bytes]:
    for number in range(160):
        made = tarfile.TarInfo(f"{number}.json")
        made.size = 2 * MIB
        yield made.tobuf() + b"{" + bytes(2 * MIB - 1)


def _many_links() -> list[bytes]:
    return [Archive.of(many_headers(100_000, type=tarfile.SYMTYPE, linkname="y" * 99)).bytes()]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: [gzipped(huge_header(tarfile.GNUTYPE_LONGNAME) + bytes(300 * MIB))], "absurd size"),
        (_many_small_files, "neither manifest.json nor"),
        (lambda: [Archive.of(tar_of({"big": random.Random(1).randbytes(120 * MIB)})).bytes()], "accepted"),
        (lambda: [gzipped(Archive.of(tar_of({"big": random.Random(1).randbytes(120 * MIB)})).bytes())], "accepted"),
        (_many_links, "more than 16 MiB of symbolic links"),
        (lambda: [Archive.of(many_headers(199_000)).bytes()], "accepted"),
        (lambda: [tar_of({f"{n}.gz": gzipped(random.Random(n).randbytes(MIB)) for n in range(60)})], "neither"),
    ],
    ids=["a huge header", "320 MiB of would-be JSON", "a layer of 120 MiB", "the same packed", "100 000 links",
         "199 000 files", "60 files that are no layers"],
)  # fmt: skip
def test_inspection_needs_little_memory(make: Callable[[], Any], says: str, tmp_path: Path) -> None:
    path = tmp_path / "model.tar"
    with path.open("wb") as file:
        file.writelines(make())
    worker = [sys.executable, "-c", SMALL_WORKER, str(path), str(Path(images.__file__).parents[1])]
    done = subprocess.run(worker, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-800:]
    assert says in done.stdout


def test_a_zstd_frame_of_the_largest_window_is_read(tmp_path: Path) -> None:
    """What `zstd --long` writes; its window is 128 MiB."""
    parameters = zstandard.ZstdCompressionParameters(window_log=27, enable_ldm=True)
    path = tmp_path / "model.tar.zst"
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    path.write_bytes(packer.compress(honest().bytes()) + packer.flush())
    assert inspect(path, Limits(), architecture="amd64").compression == "zstd"
