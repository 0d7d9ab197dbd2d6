"""Zips and directories from strangers, read file by file. Nothing is unpacked by path, nothing is held but one chunk.

A zip says everything twice, in its directory and before each file, and readers differ in whom they believe. Here both
must agree, and headers, files and directory must tile the archive from its first byte to its last: so no two entries
share bytes (46 MB that unpack to 4.5 PB are made so), and nothing hides before, between or behind them.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO

from sandbox.errors import BadArchive
from sandbox.limits import Limits
from sandbox.verdicts import size

MAX_RATIO = 200
"""Unpacked over packed size of one entry above 1 MiB; weights compress by 1.1 or so, bombs by 1000."""

MAX_NAME = 200
"""Bytes, in UTF-8."""

_DIRECTORY_ENTRY = 1024
"""Bytes of the zip's directory an entry may take; honest ones take 46, the name, and some 30."""

_END, _END64, _LOCATOR64 = struct.Struct("<4s4H2LH"), struct.Struct("<4sQ2H2L4Q"), struct.Struct("<4sLQL")
_LOCAL = struct.Struct("<4s5H3L2H")
_DESCRIPTORS = (0, 12, 16, 20, 24)
"""Lengths of the sizes that follow a file which was packed as a stream: with or without a signature, 32 or 64 bits."""
_ENCRYPTED, _STREAMED = 0x2041, 0x8


class Content:
    """The content of one file, good until the next one is asked for."""

    def __init__(self, name: str, size: int, source: IO[bytes]) -> None:
        self.size = size
        """Bytes in all, as the archive says; `read` holds it to that."""
        self._name = name
        self._source = source
        self._left = size

    def read(self, count: int = -1) -> bytes:
        """At most `count` bytes, or all that are left; `b""` at the end.

        Raises:
            BadArchive: it is damaged, or not as long as it says.
        """
        with _damages():
            wanted = self._left if count < 0 else min(count, self._left)
            content = self._source.read(wanted)
        self._left -= len(content)
        if len(content) < wanted:
            raise BadArchive(f"{self._name!r} is not as long as the archive says; zip and upload it again")
        return content


def read_files(path: Path, limits: Limits) -> Generator[tuple[str, Content]]:
    """The files of a directory or a zip, one after the other; whichever `path` is.

    Raises:
        BadArchive: what is wrong, naming the entry, and the remedy. Files that came before it were good.
        OSError: our own disk failed.
    """
    return read_directory(path, limits) if path.is_dir() else read_zip(path, limits)


def read_zip(path: Path, limits: Limits) -> Generator[tuple[str, Content]]:
    """The files of a zip, in the order of its directory: plain relative names, and content to be read at once.

    Memory: the names, and one chunk. Raises as `read_files`.
    """
    packed = path.stat().st_size
    if packed > limits.archive_packed_bytes:
        raise BadArchive(f"the archive has {size(packed)}; at most {size(limits.archive_packed_bytes)} are allowed")
    ceiling = _Ceiling(limits)
    with contextlib.ExitStack() as stack:
        with _damages():
            file = stack.enter_context(path.open("rb"))
            start, count = _find_directory(file, limits)
            archive = stack.enter_context(zipfile.ZipFile(file))
            entries = archive.infolist()
            if len(entries) != count:
                raise BadArchive(f"its directory holds {len(entries)} entries and says {count}; zip it anew")
            _check_layout(file, entries, start)
        for entry in entries:
            _check_entry(entry)
            if entry.filename.endswith("/"):
                ceiling.add_folder(entry.filename.removesuffix("/"))
                continue
            ceiling.add(entry.filename, entry.file_size)
            with _damages():
                source = archive.open(entry)
            with source:
                yield entry.filename, Content(entry.filename, entry.file_size, source)


def read_directory(root: Path, limits: Limits) -> Generator[tuple[str, Content]]:
    """The files below a directory, in the order of their names; hidden folders and __pycache__ are left out.

    No link is followed, also where one takes the place of a file while we look. Raises as `read_files`.
    """
    ceiling = _Ceiling(limits)
    for folder, folders, files, handle in os.fwalk(root, onerror=_raise):
        here = Path(folder).relative_to(root)
        if here.parts:
            ceiling.add_folder(here.as_posix())
        folders[:] = sorted(name for name in folders if name != "__pycache__" and not name.startswith("."))
        for file in sorted(files + [name for name in folders if _is_link(name, handle)]):
            name = (here / file).as_posix()
            with _opened(name, file, handle) as source:
                length = os.fstat(source.fileno()).st_size
                ceiling.add(name, length)
                yield name, Content(name, length, source)


@contextlib.contextmanager
def _opened(name: str, file: str, folder: int) -> Iterator[IO[bytes]]:
    refusal = BadArchive(f"{name!r} is not a regular file; submissions hold plain files only")
    if not stat.S_ISREG(os.stat(file, dir_fd=folder, follow_symlinks=False).st_mode):
        raise refusal
    with contextlib.ExitStack() as stack:
        try:
            handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise refusal from error
            raise
        source = stack.enter_context(open(handle, "rb"))
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise refusal
        yield source


def _is_link(name: str, folder: int) -> bool:
    return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)


def _raise(error: OSError) -> None:
    raise error


@contextlib.contextmanager
def _damages() -> Iterator[None]:
    """Whatever zipfile throws at a damaged archive becomes BadArchive; what our own disk throws stays."""
    try:
        yield
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        EOFError,
        NotImplementedError,
        OverflowError,
        ValueError,
    ) as error:
        raise BadArchive(f"the archive is not a whole zip file ({error}); zip and upload it again") from error
    except OSError as error:
        # An offset that makes no sense is an invalid argument to seek; anything else is our disk.
        if error.errno not in (None, errno.EINVAL):
            raise
        raise BadArchive(f"the archive is damaged ({error}); zip and upload it again") from error


def _find_directory(file: IO[bytes], limits: Limits) -> tuple[int, int]:
    """Where the zip's directory begins, and its entries. zipfile reads all of it at once, so its length is checked."""
    end = file.seek(0, os.SEEK_END)
    start = max(0, end - _END.size - 65535)
    file.seek(start)
    tail = file.read()
    place = tail.rfind(b"PK\5\6")
    if place < 0 or len(tail) < place + _END.size:
        raise zipfile.BadZipFile("it has no end record")
    _, disk, first, here, count, length, offset, comment = _END.unpack_from(tail, place)
    if place + _END.size + comment != len(tail):
        raise BadArchive("something follows the end of the zip; make it anew")
    stop = start + place
    if tail[max(0, place - _LOCATOR64.size) : place].startswith(b"PK\6\7"):  # zip64 says it again, and is believed
        stop -= _LOCATOR64.size + _END64.size
        if stop < 0:
            raise zipfile.BadZipFile("its end record is cut off")
        file.seek(stop)
        signature, _, _, _, disk, first, here, count, length, offset = _END64.unpack(file.read(_END64.size))
        if signature != b"PK\6\6":
            raise zipfile.BadZipFile("its zip64 end record is damaged")
    if (disk, first, here) != (0, 0, count):
        raise BadArchive("it is one part of several; make one zip of it all")
    if length > _DIRECTORY_ENTRY * limits.archive_files or count > limits.archive_files:
        raise BadArchive(f"it has too many entries ({count}); at most {limits.archive_files} are allowed")
    if offset + length != stop:
        raise BadArchive("something lies before the zip, or between its files and its directory; make it anew")
    return offset, count


def _check_layout(file: IO[bytes], entries: list[zipfile.ZipInfo], directory: int) -> None:
    """Each entry begins where the one before it ends, and says of itself what the directory says of it."""
    expected = [0]
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        name = entry.filename
        if entry.header_offset not in expected:
            raise BadArchive(f"{name[:MAX_NAME]!r} overlaps another entry, or something lies before it; zip it anew")
        file.seek(entry.header_offset)
        header = file.read(_LOCAL.size)
        signature, _, flags, method, _, _, _, packed, unpacked, name_length, extra = _LOCAL.unpack(header)
        spelt = file.read(name_length).decode("utf-8" if flags & 0x800 else "cp437")
        said = [entry.orig_filename, entry.compress_type, entry.flag_bits & _ENCRYPTED, entry.flag_bits & _STREAMED]
        if signature != b"PK\3\4" or [spelt, method, flags & _ENCRYPTED, flags & _STREAMED] != said:
            raise BadArchive(f"{name[:MAX_NAME]!r} is not what the zip's directory says it is; zip it anew")
        for here, there in ((packed, entry.compress_size), (unpacked, entry.file_size)):
            if not flags & _STREAMED and here not in (there, 0xFFFFFFFF):  # the latter: see the zip64 field
                raise BadArchive(f"{name[:MAX_NAME]!r} is not as long as the zip's directory says; zip it anew")
        stop = entry.header_offset + _LOCAL.size + name_length + extra + entry.compress_size
        expected = [stop + more for more in (_DESCRIPTORS if flags & _STREAMED else (0,))]
    if directory not in expected:
        raise BadArchive("something lies between the zip's files and its directory; make it anew")


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    if name != entry.orig_filename:  # zipfile ends a name at a NUL
        raise BadArchive(f"{entry.orig_filename[:60]!r} is too long a name, or has unprintable characters in it")
    kind, is_folder = stat.S_IFMT(entry.external_attr >> 16), name.endswith("/")  # is_dir() of zipfile fails on ""
    if kind not in (0, stat.S_IFDIR if is_folder else stat.S_IFREG):
        raise BadArchive(f"{name!r} is a link or a device; submissions hold plain files only")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # Python unpacks bzip2 and LZMA without a ceiling: 1 MB can become 20 GB of memory.
        raise BadArchive(f"{name!r} is compressed in an unusual way; make the zip with deflate, the default")
    if entry.flag_bits & _ENCRYPTED:
        raise BadArchive(f"{name!r} is encrypted; zip it without a password")
    if is_folder and (entry.file_size or entry.compress_size > 2):  # some tools deflate nothing into two bytes
        raise BadArchive(f"{name!r} is a folder and has content; zip it anew")
    if entry.file_size > 1024 * 1024 and entry.file_size > MAX_RATIO * max(1, entry.compress_size):
        raise BadArchive(f"{name!r} unpacks to more than {MAX_RATIO} times its size; that is a zip bomb")


class _Ceiling:
    """Counts files, folders and bytes, and looks at each name."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._bytes = 0
        self._files: dict[str, str] = {}
        self._folders: set[str] = set()

    def add(self, name: str, length: int) -> None:
        """One more file."""
        key = _checked(name)
        if key in self._files:
            raise BadArchive(f"{name!r} and {self._files[key]!r} are the same name for some computers; rename one")
        self._files[key] = name
        self._enter(name, key, [place for place, character in enumerate(key) if character == "/"])
        self._bytes += length
        if self._bytes > self._limits.archive_unpacked_bytes:
            raise BadArchive(
                f"it unpacks to more than {size(self._limits.archive_unpacked_bytes)} (at {name!r}); make it smaller"
            )

    def add_folder(self, name: str) -> None:
        """One more folder; it may be there already."""
        key = _checked(name)
        self._enter(name, key, [*(place for place, character in enumerate(key) if character == "/"), len(key)])

    def _enter(self, name: str, key: str, ends: list[int]) -> None:
        folders = {key[:end] for end in ends}
        self._folders |= folders
        if (key in self._files and key in self._folders) or any(folder in self._files for folder in folders):
            raise BadArchive(f"{name!r} is a file and a folder at once, or lies in a file; rename one")
        # 2,000 names of 100 folders each would be 200,000 folders on the host's disk.
        if len(self._files) + len(self._folders) > self._limits.archive_files:
            raise BadArchive(f"it has more than {self._limits.archive_files} files and folders")


def _checked(name: str) -> str:
    """A plain relative name, as computers that fold case and accents see it."""
    parts = name.split("/")
    if "\\" in name or ":" in parts[0] or not {"", ".", ".."}.isdisjoint(parts):
        raise BadArchive(f"{name[:MAX_NAME]!r} is not a plain relative path; zip the files themselves")
    if len(name.encode(errors="replace")) > MAX_NAME or not name.isprintable():
        raise BadArchive(f"{name[:60]!r} is too long a name, or has unprintable characters in it")
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
