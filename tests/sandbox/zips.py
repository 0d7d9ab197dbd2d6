"""Zips for tests: as honest tools write them, or put together by hand with one thing wrong."""

from __future__ import annotations

import dataclasses
import io
import struct
import zipfile
import zlib

PREDICT = b"def predict(image):\n    return image[..., 0] * 0\n"


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A code submission with these files beside its predict.py."""
    return plain_zip(("predict.py", PREDICT), *entries, method=method)


def plain_zip(*entries: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Exactly these files."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return file.getvalue()


def special(name: str, mode: int) -> zipfile.ZipInfo:
    """An entry of another kind, e.g. `stat.S_IFLNK`."""
    entry = zipfile.ZipInfo(name)
    entry.create_system = 3
    entry.external_attr = (mode | 0o777) << 16
    return entry


def patched(archive: bytes, field: int, value: int, name: bytes = b"weights") -> bytes:
    """Another 32-bit number in the directory entry of `name`: 20 packed size, 24 size, 42 offset, 8 flags."""
    place = archive.rindex(name) - 46
    assert archive[place : place + 4] == b"PK\1\2"
    return archive[: place + field] + struct.pack("<L", value) + archive[place + field + 4 :]


@dataclasses.dataclass
class Part:
    """One file of a zip made by hand, deflated; what the directory says may differ from what lies there."""

    name: str
    content: bytes
    flags: int = 0
    local_name: str | None = None
    local_sizes: tuple[int, int] | None = None
    descriptor: bytes = b""
    at: int | None = None
    packed: bytes | None = None

    def deflated(self) -> bytes:
        if self.packed is not None:
            return self.packed
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        return packer.compress(self.content) + packer.flush()

    def local(self) -> bytes:
        """The header before the file, and the file."""
        packed, name = self.deflated(), (self.local_name or self.name).encode()
        sizes = self.local_sizes or (len(packed), len(self.content))
        crc = 0 if self.flags & 8 else zlib.crc32(self.content)
        header = struct.pack("<4s5H3L2H", b"PK\3\4", 20, self.flags, 8, 0, 0, crc, *sizes, len(name), 0)
        return header + name + packed + self.descriptor

    def entry(self, place: int) -> bytes:
        """Its line in the directory."""
        name, packed = self.name.encode(), self.deflated()
        return struct.pack(
            "<4s6H3L5H2L", b"PK\1\2", 20, 20, self.flags, 8, 0, 0, zlib.crc32(self.content), len(packed),
            len(self.content), len(name), 0, 0, 0, 0, 0, place,
        ) + name  # fmt: skip


def by_hand(*parts: Part, before: bytes = b"", between: bytes = b"", after: bytes = b"", count: int = -1) -> bytes:
    """A zip of these parts. `at` of a part takes the place where its file is said to begin, and writes none."""
    body, directory = bytearray(before), b""
    for part in parts:
        directory += part.entry(len(body) if part.at is None else part.at)
        body += part.local() if part.at is None else b""
    body += between
    number = len(parts) if count < 0 else count
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, number, number, len(directory), len(body), 0)
    return bytes(body) + directory + end + after


def streamed(name: str, content: bytes, signature: bool = True) -> Part:
    """As tools write that don't know the length beforehand: the sizes come after the file."""
    part = Part(name, content, flags=8, local_sizes=(0, 0))
    sizes = struct.pack("<3L", zlib.crc32(content), len(part.deflated()), len(content))
    part.descriptor = (b"PK\7\x08" if signature else b"") + sizes
    return part


def zip_of_one_body(copies: int, content: bytes) -> bytes:
    """Every name has the same bytes for its file: `copies` times as much as is there."""
    first = Part("predict.py", PREDICT)
    body = Part("0", content)
    start = len(first.local())
    return by_hand(first, body, *(dataclasses.replace(body, name="0", at=start) for _ in range(copies)))


def zip_of_quoted_headers(copies: int, content: bytes) -> bytes:
    """Fifield's bomb: each file's data are a stored block that quotes the next header, then the next file's data."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(content) + packer.flush()
    parts: list[Part] = []
    whole = content
    for number in reversed(range(copies)):
        part = Part(f"{number:03d}", whole, packed=packed)
        parts.insert(0, part)
        tail = part.local()
        # The file before this one: a block of this header as it is, then whatever follows it.
        header = tail[: len(tail) - len(packed)]
        packed = b"\0" + struct.pack("<HH", len(header), len(header) ^ 0xFFFF) + tail
        whole = header + whole
    first = Part("predict.py", PREDICT)
    place, body, directory = len(first.local()), first.local(), first.entry(0)
    for part in parts:
        directory += part.entry(place)
        place += 30 + 3 + 5
    body += parts[0].local()
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, copies + 1, copies + 1, len(directory), len(body), 0)
    return body + directory + end
