"""Code submissions, as a zip or a directory, made into a tar of plain files. Nothing is ever unpacked by path."""

from __future__ import annotations

import errno
import os
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from evaluator.errors import SubmissionError
from sandbox import Limits, pack, size

MAX_RATIO = 200
"""Unpacked over packed size of one entry above 1 MiB; weights compress by 1.1 or so, bombs by 1000."""

MAX_NAME = 200
"""Bytes, in UTF-8."""

_DIRECTORY_ENTRY = 1024
"""Bytes of the zip's directory an entry may take; honest ones take 46, the name, and some 30."""


def pack_code(submission: Path, limits: Limits, sink: IO[bytes]) -> int:
    """Checks a code submission and writes it to `sink` as an uncompressed tar of regular, read-only files.

    Args:
        submission: a directory or a zip that holds predict.py at its top.

    Returns:
        Unpacked bytes of all files.

    Raises:
        SubmissionError: what is wrong, naming the entry, and the remedy.
    """
    total = 0
    names: set[str] = set()

    def watched(files: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
        nonlocal total
        for name, content in files:
            total += len(content)
            names.add(name)
            yield name, content

    pack(watched(_directory(submission, limits) if submission.is_dir() else _zip(submission, limits)), sink)
    if "predict.py" not in names:
        nested = sorted(name for name in names if name.endswith("/predict.py"))
        hint = f"; it is at {nested[0]!r}: zip the files, not the folder around them" if nested else ""
        raise SubmissionError(f"there is no predict.py at the top of the archive{hint}")
    return total


def _directory(root: Path, limits: Limits) -> Iterator[tuple[str, bytes]]:
    ceiling = _Ceiling(limits)
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name != "__pycache__" and not name.startswith("."))
        for file in sorted(files):
            path = Path(folder) / file
            name = path.relative_to(root).as_posix()
            if not stat.S_ISREG(path.lstat().st_mode):
                raise SubmissionError(f"{name!r} is not a regular file; submissions hold plain files only")
            ceiling.add(name, path.stat().st_size)
            yield name, path.read_bytes()


def _zip(path: Path, limits: Limits) -> Iterator[tuple[str, bytes]]:
    packed = path.stat().st_size
    if packed > limits.archive_packed_bytes:
        raise SubmissionError(
            f"the archive has {size(packed)}; at most {size(limits.archive_packed_bytes)} are allowed"
        )
    ceiling = _Ceiling(limits)
    try:
        if _directory_bytes(path) > _DIRECTORY_ENTRY * limits.archive_files:
            raise SubmissionError(f"it has too many entries; at most {limits.archive_files} are allowed")
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if len(entries) > limits.archive_files:
                raise SubmissionError(f"it has {len(entries)} entries; at most {limits.archive_files} are allowed")
            for entry in entries:
                if not entry.filename.endswith("/"):
                    yield entry.filename, _entry(archive, entry, ceiling)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError, zlib.error, OverflowError) as error:
        raise SubmissionError(f"the archive is not a whole zip file ({error}); zip and upload it again") from error
    except OSError as error:
        # An offset that makes no sense is an invalid argument to seek; anything else is our disk.
        if error.errno in (None, errno.EINVAL):
            raise SubmissionError(f"the archive is damaged ({error}); zip and upload it again") from error
        raise


def _directory_bytes(path: Path) -> int:
    """Length of the zip's directory as its end record says: zipfile reads all of it before anybody can count."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(0, end - 22 - 65535))
        tail = file.read()
    place = tail.rfind(b"PK\5\6")
    if place < 0 or len(tail) < place + 22:
        raise zipfile.BadZipFile("it has no end record")
    length: int = struct.unpack_from("<L", tail, place + 12)[0]
    if tail[max(0, place - 20) : place].startswith(b"PK\6\7") and place >= 76:
        length = max(length, struct.unpack_from("<Q", tail, place - 36)[0])  # zip64 says it again, and is believed
    return length


def _entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, ceiling: _Ceiling) -> bytes:
    name = entry.filename
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise SubmissionError(f"{name!r} is a link or a device; submissions hold plain files only")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # Python unpacks bzip2 and LZMA without a ceiling: 1 MB can become 20 GB of memory.
        raise SubmissionError(f"{name!r} is compressed in an unusual way; make the zip with deflate, the default")
    if entry.flag_bits & 0x1:
        raise SubmissionError(f"{name!r} is encrypted; zip it without a password")
    if entry.file_size > 1024 * 1024 and entry.file_size > MAX_RATIO * max(1, entry.compress_size):
        raise SubmissionError(f"{name!r} unpacks to more than {MAX_RATIO} times its size; that is a zip bomb")
    ceiling.add(name, entry.file_size)
    with archive.open(entry) as packed:
        # The header may lie: never read more than it promised.
        content = packed.read(entry.file_size + 1)
    if len(content) != entry.file_size:
        raise SubmissionError(f"{name!r} is not as long as the archive says; zip and upload it again")
    return content


class _Ceiling:
    """Counts files and bytes, and looks at each name."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._bytes = 0
        self._seen: dict[str, str] = {}
        self._folders: set[str] = set()

    def add(self, name: str, length: int) -> None:
        parts = name.split("/")
        if name.startswith("/") or "\\" in name or ":" in parts[0] or ".." in parts or "." in parts or "" in parts:
            raise SubmissionError(f"{name!r} is not a plain relative path; zip the files themselves")
        if len(name.encode(errors="replace")) > MAX_NAME or not name.isprintable():
            raise SubmissionError(f"{name[:60]!r} is too long a name, or has unprintable characters in it")
        key = unicodedata.normalize("NFC", name).casefold()
        if key in self._seen:
            raise SubmissionError(f"{name!r} and {self._seen[key]!r} are the same name for some computers; rename one")
        self._seen[key] = name
        folders = {key[:place] for place, character in enumerate(key) if character == "/"}
        self._folders |= folders
        if key in self._folders or any(folder in self._seen for folder in folders):
            raise SubmissionError(f"{name!r} is a file and a folder at once, or lies in a file; rename one")
        self._bytes += length
        if self._bytes > self._limits.archive_unpacked_bytes:
            raise SubmissionError(
                f"it unpacks to more than {size(self._limits.archive_unpacked_bytes)} (at {name!r}); make it smaller"
            )
        if len(self._seen) > self._limits.archive_files:
            raise SubmissionError(f"it has more than {self._limits.archive_files} files")
