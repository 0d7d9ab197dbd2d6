"""What admission costs: looking at an image archive and loading it, against `docker load` of the same file."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import random
import shutil
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sandbox import Limits, images
from sandbox.limits import MIB
from tests.bench.rows import Row

TAG = "parakh-bench/admission:latest"
RUN = "bench-admission"
ADMISSION_ROUNDS = 3
MOST = 1.3

_LAYERS = ((12_000, 120 * MIB, 0.1), (18_000, 480 * MIB, 0.5), (40, 424 * MIB, 1.0))
"""Files, bytes and the part of them that can't be compressed: a distribution, packages, weights. 1 GiB together."""


def admission_rows(scratch: Path) -> list[Row]:
    """Needs an engine and some 3 GB in `scratch`. The image goes after each load, so that the next one unpacks it."""
    plain = scratch / "model.tar"
    _write_image(plain)
    packed = scratch / "model.tar.gz"
    with plain.open("rb") as source, gzip.open(packed, "wb", compresslevel=1) as sink:
        shutil.copyfileobj(source, sink, MIB)
    rows = [_row("admission of a 1 GiB image", plain), _row("  the same, gzipped", packed)]
    for path in (plain, packed):
        path.unlink()
    return rows


def _row(what: str, path: Path) -> Row:
    ours, theirs = _best(lambda: _admit(path), lambda: _docker_load(path))
    ratio = ours / theirs
    shown = f"{ours:.2f} s / {theirs:.2f} s"
    return Row(f"{what}, against docker load", shown, ratio, f"at most {MOST} x", ratio <= MOST)


def _best(*works: Callable[[], Callable[[], None]]) -> list[float]:
    """The shortest time of each, in turn; what each returns cleans up after it, off the clock."""
    best = [float("inf")] * len(works)
    for _ in range(ADMISSION_ROUNDS):
        for place, work in enumerate(works):
            os.sync()  # else one pays for what the other wrote
            started = time.perf_counter()
            clean = work()
            best[place] = min(best[place], time.perf_counter() - started)
            clean()
    return best


def _admit(path: Path) -> Callable[[], None]:
    images.load(images.inspect(path, Limits()), RUN)
    return lambda: images.remove(RUN)


def _docker_load(path: Path) -> Callable[[], None]:
    _docker("load", "--quiet", "--input", str(path))
    return lambda: _docker("rmi", "--force", TAG)


def _docker(*arguments: str) -> None:
    subprocess.run(["docker", *arguments], check=True, stdout=subprocess.DEVNULL, timeout=600)


def _write_image(path: Path) -> None:
    """As `docker save` writes it; of content that no engine has seen."""
    chance = random.Random(os.urandom(8))
    words = [chance.randbytes(chance.randint(2, 6)).hex() for _ in range(5_000)]
    prose = " ".join(chance.choices(words, k=400_000)).encode()
    names, diff_ids = [], []
    with tarfile.open(path, "w") as archive:
        for number, (files, length, noise) in enumerate(_LAYERS):
            layer = path.with_suffix(f".{number}")
            with tarfile.open(layer, "w") as tar:
                for entry, content in _files(files, length, noise, prose, chance):
                    tar.addfile(entry, io.BytesIO(content))
            names.append(f"{number}/layer.tar")
            with layer.open("rb") as file:
                diff_ids.append(f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}")
            archive.add(layer, names[-1])
            layer.unlink()
        config = {
            "architecture": images.host_architecture(),
            "os": "linux",
            "config": {"Cmd": ["/run"]},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        }
        manifest = [{"Config": "config.json", "RepoTags": [TAG], "Layers": names}]
        for name, described in (("config.json", config), ("manifest.json", manifest)):
            content = json.dumps(described).encode()
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))


def _files(
    count: int, length: int, noise: float, prose: bytes, chance: random.Random
) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    """Files of one layer, in directories of a hundred."""
    each = length // count
    for number in range(count):
        folder = f"opt/layer{each}/d{number // 100:03d}"
        if number % 100 == 0:
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            yield entry, b""
        random_part = int(each * noise)
        start = chance.randrange(len(prose))
        text = (prose * (1 + each // len(prose)))[start:][: each - random_part] if each > random_part else b""
        content = chance.randbytes(random_part) + text
        entry = tarfile.TarInfo(f"{folder}/file_{number}.bin")
        entry.size, entry.mode = len(content), 0o644
        yield entry, content
