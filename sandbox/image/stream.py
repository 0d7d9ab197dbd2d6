"""Bytes of an image archive as they stream by: unpacked, counted, and never more of them in memory than a chunk.

Each stage takes chunks and yields chunks, so that a layer of many GB inside a compressed archive costs no more memory
than a small one.
"""

from __future__ import annotations

import dataclasses
import hashlib
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from typing import IO, Any, NoReturn, cast

import zstandard

from sandbox.errors import BadImage
from sandbox.limits import MIB
from sandbox.verdicts import size

CHUNK = MIB
_WORTH_A_THREAD = 256 * 1024

RATIO = 100
RATIO_FREE_BYTES = 64 * MIB
"""Compressed content may unpack to so many times its size, and this much more. Weights hardly shrink, programs shrink
to a third; the bomb that was seen unpacked to 1000 times its size."""

MAX_MEMBERS = 500_000
"""Parts of a gzip file: bgzip makes one for each 64 kB."""
MAX_WINDOW_BYTES = 128 * MIB
"""As the `zstd` command takes it without being asked."""

MAX_LINK_BYTES = 16 * MIB
"""Names and targets of symbolic links: they are kept until the archive's end."""

_GZIP_STEP = 64 * 1024
"""What follows a member is copied: with larger steps, a chunk of tiny members would be copied thousands of times."""

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_FOREIGN = {b"BZh": "bzip2", b"\xfd7zXZ\0": "xz", b"\x04\x22\x4d\x18": "lz4", b"PK\x03\x04": "zip", b"7z\xbc\xaf": "7z"}
_SAVE_AGAIN = "save and upload the image again"


class Fatal(BadImage):
    """There is no use in reading on: a ceiling is passed, or the archive itself is broken."""


class CannotUnpack(BadImage):
    """Compressed in a way that is not taken, or damaged."""


@dataclasses.dataclass(slots=True)
class Budget:
    """What one archive may still cost."""

    most_bytes: int
    most_files: int
    read_bytes: int = 0
    unpacked_bytes: int = 0
    files: int = 0
    link_bytes: int = 0
    members: int = 0

    def spend_bytes(self, chunk: bytes) -> None:
        """Raises Fatal over the limit."""
        self.unpacked_bytes += len(chunk)
        if self.unpacked_bytes > self.most_bytes:
            self._refuse(f"unpacks to more than {size(self.most_bytes)}", "make the image smaller")

    def spend_read(self, chunk: bytes) -> None:
        """For the archive as a tar, whatever is in it. Raises Fatal over the limit."""
        self.read_bytes += len(chunk)
        if self.read_bytes > self.most_bytes + self.most_bytes // 64 + RATIO_FREE_BYTES:
            self._refuse(f"unpacks to far more than {size(self.most_bytes)}", "leave out what is no part of the image")

    def spend_file(self) -> None:
        """Raises Fatal over the limit."""
        self.files += 1
        if self.files > self.most_files:
            self._refuse(f"holds more than {self.most_files} files", "leave caches and documentation out of the image")

    def spend_link(self, length: int) -> None:
        """Raises Fatal over the limit."""
        self.link_bytes += length
        if self.link_bytes > MAX_LINK_BYTES:
            self._refuse(f"holds more than {size(MAX_LINK_BYTES)} of symbolic links", "leave them out of the image")

    def spend_member(self) -> None:
        """Raises Fatal over the limit."""
        self.members += 1
        if self.members > MAX_MEMBERS:
            self._refuse(f"is gzip in more than {MAX_MEMBERS} parts", "compress it with plain gzip")

    def _refuse(self, what: str, remedy: str) -> NoReturn:
        raise Fatal(f"{what}, together with what comes before it", remedy=remedy)


class Stream:
    """Chunks, read piece by piece. Chunks must not be empty."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._chunk = b""
        self._at = 0

    def take(self, count: int) -> bytes:
        """The next `count` bytes in one piece; fewer only at the end."""
        end = self._at + count
        if end <= len(self._chunk):
            taken = self._chunk[self._at : end]
            self._at = end
            return taken
        return b"".join(self.pieces(count))

    def pieces(self, count: int) -> Iterator[bytes]:
        """The next `count` bytes as they come; fewer only at the end."""
        while count > 0 and self._has_more():
            piece = self._chunk[self._at : self._at + count]
            self._at += len(piece)
            count -= len(piece)
            yield piece

    def skip(self, count: int) -> int:
        """Passes over `count` bytes; returns how many there were."""
        missing = count
        while missing > 0 and self._has_more():
            step = min(missing, len(self._chunk) - self._at)
            self._at += step
            missing -= step
        return count - missing

    def peek(self, count: int) -> bytes:
        """The next `count` bytes, which stay; fewer only at the end."""
        if len(self._chunk) - self._at < count:
            start = self.take(count)
            self._chunk, self._at = start + self._chunk[self._at :], 0
        return self._chunk[self._at : self._at + count]

    def rest(self) -> Iterator[bytes]:
        """All that is left."""
        while self._has_more():
            piece, self._at = self._chunk[self._at :], len(self._chunk)
            yield piece

    def _has_more(self) -> bool:
        if self._at >= len(self._chunk):
            self._chunk, self._at = next(self._chunks, b""), 0
        return bool(self._chunk)


class Digest:
    """sha256 and length of what passes by. Large chunks are hashed in a thread, while this one reads on."""

    def __init__(self, beside: Executor) -> None:
        self._beside = beside
        self._sha256 = hashlib.sha256()
        self._begun: Future[None] | None = None
        self.length = 0

    def add(self, chunk: bytes) -> None:
        self._finish()
        self.length += len(chunk)
        if len(chunk) < _WORTH_A_THREAD:
            self._sha256.update(chunk)
        else:
            self._begun = self._beside.submit(self._sha256.update, chunk)

    def hexdigest(self) -> str:
        self._finish()
        return self._sha256.hexdigest()

    def _finish(self) -> None:
        if self._begun is not None:
            self._begun.result()
            self._begun = None


def file_chunks(file: IO[bytes]) -> Iterator[bytes]:
    """A file from where it stands."""
    return iter(lambda: file.read(CHUNK), b"")


def watched(chunks: Iterator[bytes], *watchers: Callable[[bytes], object]) -> Iterator[bytes]:
    """The same chunks; each watcher sees them first."""
    for chunk in chunks:
        for watch in watchers:
            watch(chunk)
        yield chunk


def compression(stream: Stream) -> str:
    """ "gzip", "zstd", or "" for none.

    Raises:
        CannotUnpack: one that is not taken.
    """
    start = stream.peek(6)
    for magic, name in _FOREIGN.items():
        if start.startswith(magic):
            raise CannotUnpack(f"is compressed with {name}", remedy="leave it as it is, or use gzip or zstd")
    return "gzip" if start.startswith(_GZIP) else "zstd" if is_zstd(start) else ""


def is_zstd(start: bytes) -> bool:
    """True for a frame, or one to be skipped."""
    return start.startswith(_ZSTD) or (start[1:4] == b"\x2a\x4d\x18" and start[0] & 0xF0 == 0x50)


def looks_packed(start: bytes) -> bool:
    """True if an engine would try to unpack what begins so, whatever we make of it."""
    return start.startswith((_GZIP, b"BZh", b"\xfd7zXZ\0")) or is_zstd(start)


def unpacked(stream: Stream, method: str, budget: Budget) -> Iterator[bytes]:
    """What is inside, for a `method` that `compression` named.

    Raises:
        CannotUnpack: it is damaged.
        Fatal: it unpacks to far more than its size.
    """
    if not method:
        return stream.rest()
    counted = _Counted(stream.rest())
    chunks = _gunzipped(counted, budget) if method == "gzip" else _unzstded(counted)
    return counted.limited(chunks)


class _Counted:
    """Compressed chunks as a file, and how much was read of it."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._stream = Stream(chunks)
        self._packed = 0

    def read(self, count: int) -> bytes:
        piece = next(self._stream.pieces(count), b"")
        self._packed += len(piece)
        return piece

    def limited(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        length = 0
        for chunk in chunks:
            length += len(chunk)
            if length > RATIO * self._packed + RATIO_FREE_BYTES:
                raise Fatal(f"unpacks to more than {RATIO} times its size", remedy="save it without compression")
            yield chunk


def _gunzipped(packed: _Counted, budget: Budget) -> Iterator[bytes]:
    """All members, each with its checksum; zeros may follow, as `gunzip` has it."""
    member: Any = None
    try:
        while left := packed.read(_GZIP_STEP):
            while True:
                if member is None:
                    left = left.lstrip(b"\0")
                    if not left:
                        break
                    budget.spend_member()
                    member = zlib.decompressobj(wbits=31)
                piece = member.decompress(left, CHUNK)
                if piece:
                    yield piece
                if member.eof:
                    left, member = member.unused_data, None
                    continue
                left = member.unconsumed_tail
                if not left and len(piece) < CHUNK:
                    break
    except zlib.error as error:
        raise CannotUnpack(f"is damaged ({error})", remedy=_SAVE_AGAIN) from error
    if member is not None:
        raise CannotUnpack("is cut off in the middle", remedy=_SAVE_AGAIN)


def _unzstded(packed: _Counted) -> Iterator[bytes]:
    """All frames. A window larger than ours is refused: it would be allocated at once."""
    unpacker = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES)
    reader = unpacker.stream_reader(cast("IO[bytes]", packed), read_size=CHUNK, read_across_frames=True)
    try:
        yield from iter(lambda: reader.read(CHUNK), b"")
    except zstandard.ZstdError as error:
        if "memory" in str(error):
            most = size(MAX_WINDOW_BYTES)
            raise Fatal(f"needs a zstd window over {most}", remedy="compress it without --long") from error
        raise CannotUnpack(f"is damaged ({error})", remedy=_SAVE_AGAIN) from error
