"""An inspected archive, written anew for the engine: a config, layers and one name, and nothing else of it.

Layers are handed on unpacked, under names of ours, so that every engine takes every archive; and they are hashed once
more as they go, so that the engine gets what was inspected or nothing.
"""

from __future__ import annotations

import json
import posixpath
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from sandbox.errors import BadImage
from sandbox.image.admission import ImageTar, Layer
from sandbox.image.archive import open_archive
from sandbox.image.stream import RATIO, Budget, Digest, Stream, compression, unpacked, watched
from sandbox.image.tar import REGULAR, TarReader


def rewritten(tar: ImageTar, tag: str) -> Iterator[bytes]:
    """The archive for `docker load`. The manifest comes last: without it the engine loads nothing.

    Raises:
        BadImage: the file is not what was inspected.
        OSError: it can't be read.
    """
    ours = {layer.digest: f"{number:03d}.tar" for number, layer in enumerate(tar.layers)}
    wanted = {layer.name: layer for layer in {layer.digest: layer for layer in tar.layers}.values()}
    budget = Budget(most_bytes=RATIO * tar.packed_bytes, most_files=0)  # what was inspected fits; what was changed ends
    with ThreadPoolExecutor(max_workers=1) as beside, open_archive(tar.path, budget) as (_, stream):
        archive = TarReader(stream)
        for member in archive:
            place = posixpath.normpath(member.name.decode("utf-8", "surrogateescape"))
            if member.kind == REGULAR and (layer := wanted.pop(place, None)):
                yield _header(ours[layer.digest], layer.unpacked_bytes)
                yield from _content(layer, Stream(archive.content()), budget, Digest(beside))
                yield bytes(-layer.unpacked_bytes % tarfile.BLOCKSIZE)
            if not wanted:
                break
    if wanted:
        raise _changed()
    manifest = [{"Config": "config.json", "RepoTags": [tag], "Layers": [ours[layer.digest] for layer in tar.layers]}]
    yield _entry("config.json", tar.config)
    yield _entry("manifest.json", json.dumps(manifest).encode())
    yield bytes(tarfile.RECORDSIZE)


def _content(layer: Layer, packed: Stream, budget: Budget, digest: Digest) -> Iterator[bytes]:
    """The layer, unpacked.

    Raises:
        BadImage: it is not what was inspected.
    """
    for chunk in watched(unpacked(packed, compression(packed), budget), digest.add):
        if digest.length > layer.unpacked_bytes:
            raise _changed()
        yield chunk
    if digest.length != layer.unpacked_bytes or digest.hexdigest() != layer.digest:
        raise _changed()


def _changed() -> BadImage:
    return BadImage("changed while it was being loaded", entry="the archive", remedy="upload it again")


def _entry(name: str, content: bytes) -> bytes:
    return _header(name, len(content)) + content + bytes(-len(content) % tarfile.BLOCKSIZE)


def _header(name: str, length: int) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = length, 0o444
    return entry.tobuf(tarfile.PAX_FORMAT)
