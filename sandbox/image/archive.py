"""An image archive, read once from its beginning to its end.

What is a layer and what is not is known only at the end, where `manifest.json` or `index.json` may be. So each file of
the archive is hashed as it is and unpacked, kept if it may be JSON, and read as a layer; if it can't be one, the reason
is kept until something names it as one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import posixpath
import stat
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

from sandbox.errors import BadImage, shown
from sandbox.image.layer import Links, walk_layer
from sandbox.image.stream import (
    Budget,
    CannotUnpack,
    Digest,
    Fatal,
    Stream,
    compression,
    file_chunks,
    unpacked,
    watched,
)
from sandbox.image.tar import DIRECTORY, REGULAR, SAVE, SYMLINK, Member, TarReader
from sandbox.limits import MIB, Limits

MAX_ENTRIES = 2_000
MAX_JSON_BYTES, MAX_ALL_JSON_BYTES = MIB, 8 * MIB
"""Descriptions are some kB; there may be thousands of would-be ones."""


@dataclasses.dataclass(frozen=True, slots=True)
class Blob:
    """One file of an archive.

    Attributes:
        name: its place in the archive.
        raw_digest, raw_bytes: sha256 (hexadecimal) and length as it is.
        digest, unpacked_bytes: the same after unpacking; the digest is "" where that is impossible.
        content: as it is, if it is small and may be JSON.
        links: its symbolic links, if it is a layer.
        files: its entries, if it is a layer.
        defect: why it can't be a layer; None if it can.
    """

    name: str
    raw_digest: str
    raw_bytes: int
    digest: str
    unpacked_bytes: int
    content: bytes | None
    links: Links
    files: int
    defect: BadImage | None


@dataclasses.dataclass(frozen=True, slots=True)
class Archive:
    """All files of an archive by name, and the symbolic links among them with their targets' names."""

    compression: str
    blobs: dict[str, Blob]
    links: dict[str, str]

    def find(self, name: str) -> Blob | None:
        """The file of that name, or that a link of that name points to."""
        place = posixpath.normpath(name)
        return self.blobs.get(self.links.get(place, place))


def read_archive(path: Path, limits: Limits) -> Archive:
    """Reads it all. Memory: a few chunks, the JSON, the links.

    Raises:
        BadImage: it can't be accepted, whatever it describes.
        OSError: it can't be read.
    """
    with ThreadPoolExecutor(max_workers=1) as beside:
        reading = _Reading(limits, beside)
        with open_archive(path, reading.budget) as (method, stream):
            tar = TarReader(stream)
            for member in tar:
                reading.add(member, tar)
            if any(piece.strip(b"\0") for piece in stream.rest()):
                raise BadImage("goes on after its end", entry="the archive", remedy=SAVE)
    if not reading.blobs:
        raise BadImage("is damaged: nothing is in it" if method else "is empty", entry="the archive", remedy=SAVE)
    return Archive(method, reading.blobs, reading.links)


@contextlib.contextmanager
def open_archive(path: Path, budget: Budget) -> Iterator[tuple[str, Stream]]:
    """How the archive is compressed, and the tar inside. What is wrong with the tar is said of the archive.

    Raises:
        BadImage: it is compressed with something else, or damaged.
        OSError: it can't be read, or is no regular file.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(f"{path} is not a regular file")  # a device or a pipe may never end, or never begin
    with path.open("rb", buffering=0) as file:
        try:
            packed = Stream(file_chunks(file))
            method = compression(packed)
            yield method, Stream(watched(unpacked(packed, method, budget), budget.spend_read))
        except BadImage as error:
            raise error.about("the archive") from error


class _Reading:
    """What has been read so far."""

    def __init__(self, limits: Limits, beside: Executor) -> None:
        self._beside = beside
        self.budget = Budget(limits.image_unpacked_bytes, limits.image_files)
        self.blobs: dict[str, Blob] = {}
        self.links: dict[str, str] = {}
        self._entries = 0
        self._json_bytes = 0

    def add(self, member: Member, tar: TarReader) -> None:
        self._entries += 1
        if self._entries > MAX_ENTRIES:
            raise BadImage(f"has more than {MAX_ENTRIES} entries", entry="the archive", remedy=SAVE)
        name = member.name.decode("utf-8", "surrogateescape")
        place = posixpath.normpath(name)
        if _leaves(place):
            raise BadImage("leaves the archive", entry=f"entry {shown(name)}", remedy=SAVE)
        if place in self.blobs or place in self.links:
            # What is checked and what is loaded must be the same bytes.
            raise BadImage("is there twice", entry=f"entry {shown(name)}", remedy=SAVE)
        if member.kind == REGULAR:
            try:
                self.blobs[place] = self._blob(place, _whole(tar.content()))
            except BadImage as error:
                raise error.about(f"entry {shown(name)}") from error
        elif member.kind == SYMLINK:
            self.links[place] = _target(name, place, member.link)
        elif member.kind != DIRECTORY:
            raise BadImage("is neither file nor directory", entry=f"entry {shown(name)}", remedy=SAVE)

    def _blob(self, name: str, content: Iterator[bytes]) -> Blob:
        raw, inside, json = Digest(self._beside), Digest(self._beside), _Json(MAX_ALL_JSON_BYTES - self._json_bytes)
        packed = Stream(watched(content, raw.add))
        files, links, method, is_damaged = self.budget.files, Links(), "", False
        try:
            method = compression(packed)
            watch = inside.add if method else json.add
            layer = Stream(watched(unpacked(packed, method, self.budget), self.budget.spend_bytes, watch))
            links, defect = self._as_layer(layer)
        except CannotUnpack as error:
            defect, is_damaged = error.about(""), True
        _exhaust(packed.rest())
        self._json_bytes += len(json.content)
        found = inside if method else raw
        return Blob(
            name=name,
            raw_digest=raw.hexdigest(),
            raw_bytes=raw.length,
            digest="" if is_damaged else found.hexdigest(),
            unpacked_bytes=found.length,
            content=bytes(json.content) or None,
            links=links,
            files=self.budget.files - files,
            defect=defect,
        )

    def _as_layer(self, stream: Stream) -> tuple[Links, BadImage | None]:
        """Reads to the end; what the end of a tar is followed by counts for the digest."""
        links: Links = {}
        defect: BadImage | None = None
        try:
            links = walk_layer(stream, self.budget)
        except (Fatal, CannotUnpack):
            raise
        except BadImage as error:
            defect = error.about("")  # a new one: the old one holds on to chunks
        _exhaust(stream.rest())
        return links, defect


def _whole(content: Iterator[bytes]) -> Iterator[bytes]:
    """What is wrong with the archive around a layer is not the layer's fault."""
    try:
        yield from content
    except BadImage as error:
        raise Fatal(error.reason, entry=error.entry or "the archive", remedy=error.remedy) from error


class _Json:
    """Keeps what passes by while it may be JSON and is not too long; else nothing."""

    def __init__(self, room: int) -> None:
        self._left = min(MAX_JSON_BYTES, room)
        self._wanted = True
        self.content = bytearray()

    def add(self, chunk: bytes) -> None:
        self._wanted = self._wanted and len(self.content) + len(chunk) <= self._left
        if not self.content:
            self._wanted = self._wanted and chunk[:1] in (b"{", b"[")
        if self._wanted:
            self.content += chunk
        else:
            self.content.clear()


def _exhaust(chunks: Iterator[bytes]) -> None:
    for _ in chunks:
        pass


def _target(name: str, place: str, link: bytes) -> str:
    """Where a symbolic link of the archive points to: `docker save` of some versions writes a layer once."""
    target = posixpath.normpath(posixpath.join(posixpath.dirname(place), link.decode("utf-8", "surrogateescape")))
    if _leaves(target):
        raise BadImage("is a symbolic link that leaves the archive", entry=f"entry {shown(name)}", remedy=SAVE)
    return target


def _leaves(place: str) -> bool:
    return place == ".." or place.startswith(("/", "../"))
