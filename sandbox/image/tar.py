"""Reads a tar as it streams by, strictly: what two readers might take for two things is refused.

The engine reads with Go's `archive/tar`. Python's `tarfile` differs from it in many corners (global headers, GNU
headers with a prefix, sizes of links), reads records of any length into memory, and costs five times the time.
Format: POSIX.1-2017, pax; GNU tar's manual, "Basic Tar Format".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sandbox.errors import BadImage, shown
from sandbox.image.stream import Stream

BLOCK = 512
MAX_RECORDS_BYTES = 256 * 1024
"""Of the header before an entry: a name of 4 kB and extended attributes of 64 kB are the most a file system takes."""
MAX_RECORDS = 64
MAX_NAME_BYTES, MAX_PART_BYTES = 4095, 255

REGULAR, HARD_LINK, SYMLINK, CHARACTER, BLOCK_DEVICE, DIRECTORY, FIFO = (bytes([kind]) for kind in b"0123456")
_HEADER_ONLY = frozenset((HARD_LINK, SYMLINK, CHARACTER, BLOCK_DEVICE, DIRECTORY, FIFO))
_OLD_REGULAR, _GNU_SPARSE = b"\0", b"S"
_PAX, _GLOBAL_PAX, _LONG_NAME, _LONG_LINK = b"x", b"g", b"L", b"K"
_LONG = frozenset((_LONG_NAME, _LONG_LINK))
_RECORDS = _LONG | {_PAX, _GLOBAL_PAX}
_ZEROS = bytes(BLOCK)

SAVE = "make the archive with `docker save`"
BUILD = "build the image again with `docker build`"


class Member(NamedTuple):
    """One entry. `name` and `link` as they are written, without what an extended header replaced."""

    name: bytes
    kind: bytes
    size: int
    link: bytes
    device: tuple[int, int]
    attributes: tuple[bytes, ...]
    """Names of extended attributes."""


class _Extended(NamedTuple):
    """What the headers before an entry say about it; None where they don't."""

    name: bytes | None = None
    link: bytes | None = None
    size: int | None = None
    attributes: tuple[bytes, ...] = ()
    kinds: frozenset[bytes] = frozenset()


class TarReader:
    """Iterates over the entries of a tar; `content` reads the one at hand, `Stream` what follows the end.

    Raises (all methods):
        BadImage: it is no tar, is cut off, or holds what may be read in two ways. The message names the entry.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._left = self._padding = 0
        self._begun = False

    def __iter__(self) -> Iterator[Member]:
        extended = _Extended()
        while block := self._header():
            kind = block[156:157]
            if kind in _RECORDS:
                extended = self._extend(extended, block, kind)
                continue
            member = _member(block, extended)
            self._start(member.size)
            extended = _Extended()
            yield member
        if extended.kinds:
            raise BadImage("ends after a header that announces one more entry", remedy=SAVE)

    def content(self) -> Iterator[bytes]:
        """Of the entry that was yielded last; once only."""
        for piece in self._stream.pieces(self._left):
            self._left -= len(piece)
            yield piece
        if self._left:
            raise _cut_off()

    def _start(self, size: int) -> None:
        self._left, self._padding = size, -size % BLOCK

    def _header(self) -> bytes:
        """The next header; empty at the end: two blocks of zeros, or just nothing."""
        if self._left or self._padding:
            self._pass_over()
        block = self._stream.take(BLOCK)
        if block == _ZEROS:
            second = self._stream.take(BLOCK)
            if second not in (b"", _ZEROS):
                raise BadImage("has a lone block of zeros in its middle", remedy=SAVE)
            return b""
        if block and not _is_header(block):
            if self._begun and len(block) < BLOCK:
                raise _cut_off()
            raise BadImage("is damaged: no header where one should be" if self._begun else "is not a tar", remedy=SAVE)
        self._begun = True
        return block

    def _pass_over(self) -> None:
        missing = self._left + self._padding
        passed = self._stream.skip(missing)
        if passed < self._left:
            raise _cut_off()
        self._left = self._padding = 0

    def _extend(self, known: _Extended, block: bytes, kind: bytes) -> _Extended:
        """Adds what a header before an entry says."""
        size = _number(block[124:136])
        if size > MAX_RECORDS_BYTES:
            raise BadImage(f"has a header of absurd size ({size} bytes)", remedy=SAVE)
        kinds = known.kinds | {kind}
        # Go forgets what stands before a global header, and lets a long name win over an extended one.
        if kind in known.kinds or (kind == _GLOBAL_PAX and known.kinds) or (_PAX in kinds and kinds & _LONG):
            raise BadImage("has more than one header for the same entry", remedy=SAVE)
        self._start(size)
        body = b"".join(self.content())
        if kind == _LONG_NAME:
            return known._replace(name=body.partition(b"\0")[0], kinds=kinds)
        if kind == _LONG_LINK:
            return known._replace(link=body.partition(b"\0")[0], kinds=kinds)
        if kind == _GLOBAL_PAX:
            # Engines pass over it; other readers apply it to all that follows.
            if _pax(body) != _Extended():
                raise BadImage("has a header that renames all of its entries", remedy=SAVE)
            return known._replace(kinds=kinds)
        return _pax(body)._replace(kinds=kinds)


def text(name: bytes) -> str:
    """A name as it is shown in messages."""
    return shown(name.decode("utf-8", "backslashreplace"))


def _cut_off() -> BadImage:
    return BadImage("is cut off in the middle", remedy="save and upload the image again")


def _member(block: bytes, extended: _Extended) -> Member:
    name = extended.name or _block_name(block)
    link = extended.link or _text(block[157:257])
    kind = block[156:157]
    if kind == _OLD_REGULAR:
        kind = DIRECTORY if name.endswith(b"/") else REGULAR
    if kind == _GNU_SPARSE:
        raise sparse(name)
    if kind != REGULAR and kind not in _HEADER_ONLY:
        raise BadImage(f"is of an unknown kind {shown(kind)}", entry=f"entry {text(name)}", remedy=BUILD)
    length = _number(block[124:136]) if extended.size is None else extended.size
    is_device = kind in (CHARACTER, BLOCK_DEVICE) and block[257:262] == b"ustar"  # older ones have no numbers
    device = (_number(block[329:337]), _number(block[337:345])) if is_device else (0, 0)
    _check_lengths(name, link)
    return Member(name, kind, 0 if kind in _HEADER_ONLY else length, link, device, extended.attributes)


def sparse(name: bytes) -> BadImage:
    """The holes of a sparse file cost nothing here, and all of their length on the engine's disk."""
    remedy = "write it as an ordinary file (`tar` without --sparse)"
    return BadImage("is a sparse file", entry=f"entry {text(name)}", remedy=remedy)


def _check_lengths(name: bytes, link: bytes) -> None:
    for path in (name, link):
        if len(path) > 100 and (len(path) > MAX_NAME_BYTES or max(map(len, path.split(b"/"))) > MAX_PART_BYTES):
            raise BadImage("is too long for a file system", entry=f"the name {text(path)}", remedy=BUILD)
    if not name:
        raise BadImage("has an entry without a name", remedy=SAVE)


def _block_name(block: bytes) -> bytes:
    """The name in the block itself. Which bytes are a prefix depends on the dialect."""
    name, magic = _text(block[:100]), block[257:263]
    if magic == b"ustar\0":
        prefix = _text(block[345:476] if block[508:512] == b"tar\0" else block[345:500])
        return prefix + b"/" + name if prefix else name
    if magic == b"ustar " and block[345:369].strip(b"01234567 \0"):
        raise BadImage("has both a GNU header and a prefix", entry=f"entry {text(name)}", remedy=SAVE)
    return name


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _number(field: bytes) -> int:
    """Octal digits, or base 256."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0").partition(b"\0")[0]
    if not digits:
        return 0
    if digits.strip(b"01234567"):
        raise BadImage(f"has a header with {shown(digits)} for a number", remedy=SAVE)
    return int(digits, 8)


def _is_header(block: bytes) -> bool:
    """Whether its checksum is right."""
    if len(block) < BLOCK:
        return False
    digits = block[148:156].strip(b" \0").partition(b"\0")[0]
    found = sum(block) - sum(block[148:156]) + 8 * 0x20
    return bool(digits) and not digits.strip(b"01234567") and int(digits, 8) == found


def _pax(body: bytes) -> _Extended:
    """Records `LENGTH KEY=VALUE\\n`. An empty value leaves what the block says."""
    found: dict[bytes, bytes] = {}
    start = 0
    while start < len(body):
        digits = body[start : start + 12].partition(b" ")[0]
        end = start + (int(digits) if digits.isdigit() else 0)
        key, equals, value = body[start + len(digits) + 1 : end - 1].partition(b"=")
        if not start + 5 <= end <= len(body) or body[end - 1 : end] != b"\n" or not equals or not key:
            raise BadImage("has a damaged extended header", remedy=SAVE)
        if key in found or len(found) >= MAX_RECORDS or (b"\0" in value and key in (b"path", b"linkpath")):
            raise BadImage("has an extended header that is not to be trusted", remedy=SAVE)
        found[key] = value
        start = end
    if any(key.startswith(b"GNU.sparse.") for key in found):
        raise sparse(found.get(b"path") or found.get(b"GNU.sparse.name") or b"?")
    size = found.get(b"size") or None
    if size is not None and not (size.isdigit() and len(size) < 20):
        raise BadImage(f"has an extended header with {shown(size)} for a size", remedy=SAVE)
    attributes = tuple(key[13:] for key in found if key.startswith(b"SCHILY.xattr."))
    return _Extended(
        name=found.get(b"path") or None,
        link=found.get(b"linkpath") or None,
        size=None if size is None else int(size),
        attributes=attributes,
    )
