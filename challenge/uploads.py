"""Uploads that arrive in pieces: what has arrived lies in one file on this machine, and its length is the offset.

Nothing else remembers how far an upload is, so it goes on after a reload, a broken connection, a killed process. Each
block is written under the file's lock, and only at its end: of two who write at the same time one learns that it is
out of step. Nothing is unpacked or believed here; what is in the file is looked at by the evaluator, before it runs.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Sum
from django.utils import timezone

from challenge.models import Kind, State, Submission
from challenge.storage import CHUNK_BYTES
from sandbox import Limits

BLOCK_BYTES = 256 * 1024

MOST_CHECKED_BYTES = 64 * 1024**2
"""Of a chunk with a checksum of its own: it is held back until it has been verified."""

HEAD_BYTES = 512
"""From so many bytes one can see what sort of file it is."""

SIGN_SECONDS = 15.0
"""How often a chunk that takes long is noted as progress."""

STALE_SECONDS = 24 * 3600
"""A form's temporary file that has not been written for so long was left by a web process that died."""

ALGORITHMS = ("sha1", "sha256")


class BadUpload(Exception):
    """The file can't be taken; the message is for the person who sent it."""


class TooMuch(Exception):
    """More bytes than were announced, or than one chunk may have."""


class OutOfStep(Exception):
    """The bytes don't begin where the file ends. `offset`: where it does."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"The upload stands at byte {offset}. Go on from there.")
        self.offset = offset


class BrokeOff(Exception):
    """The sender fell silent. What had come is kept."""

    def __init__(self) -> None:
        super().__init__("The connection broke. Ask for the offset, and go on from there.")


class WrongChecksum(Exception):
    """The chunk is not what its sender says; nothing of it was kept."""


class Over(Exception):
    """The upload was cancelled, or given up, or is complete: it takes no more bytes."""


class Source(Protocol):
    """Where bytes come from. A short or empty read: there will be no more."""

    def read(self, size: int, /) -> bytes: ...


def ceiling(kind: str, limits: Limits) -> int:
    """Most bytes an upload of this kind may have in a phase with these limits."""
    return limits.archive_packed_bytes if Kind(kind).is_zip else limits.image_packed_bytes


def check_head(kind: str, head: bytes) -> None:
    """Looks at the first bytes only: is it the sort of file this kind is made of?

    Raises:
        BadUpload: it is empty, or neither a zip (code, predictions) nor a tar, plain or packed by gzip or zstd (image).
    """
    if not head:
        raise BadUpload("The file is empty. Choose it again; perhaps it was still being written.")
    if kind == Kind.CODE and not head.startswith(b"PK\x03\x04"):
        raise BadUpload("This is not a zip archive. A code submission is a .zip with predict.py at its top.")
    if kind == Kind.PREDICTIONS and not head.startswith(b"PK\x03\x04"):
        raise BadUpload("This is not a zip archive. Predictions are a .zip of label maps, one PNG an image.")
    if kind == Kind.IMAGE and not (head[257:262] == b"ustar" or head.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd"))):
        raise BadUpload("This is not a tar archive. An image submission is the .tar that `docker save` writes.")


# What has arrived


def arrived(submission: Submission) -> Path:
    """The file with what has arrived of an upload."""
    return _folder() / f"{submission.pk}.part"


def offset(submission: Submission) -> int:
    """How many bytes of it are here."""
    if submission.state != State.UPLOADING:
        return submission.file_bytes
    try:
        return arrived(submission).stat().st_size
    except FileNotFoundError:
        return 0


def expected() -> int:
    """How many bytes of uploads under way are still to come."""
    announced: int = Submission.objects.filter(state=State.UPLOADING).aggregate(all=Sum("file_bytes"))["all"] or 0
    return max(0, announced - sum(path.stat().st_size for path in _folder().glob("*.part")))


def beginning(submission: Submission, most: int = CHUNK_BYTES) -> tuple[int, str]:
    """Length and SHA-256 of the first of what has arrived: does a file that is chosen again begin alike?"""
    try:
        with arrived(submission).open("rb") as file:
            head = file.read(most)
    except FileNotFoundError:
        head = b""
    return len(head), hashlib.sha256(head).hexdigest()


def append(
    submission: Submission, begins: int, source: Source, length: int, checksum: tuple[str, bytes] | None = None
) -> int:
    """Adds up to `length` bytes, and keeps what came if the source ends early.

    Args:
        begins: the offset at which the sender believes the upload to be.
        checksum: algorithm and digest of this chunk, which is then kept whole or not at all.

    Returns:
        The offset behind the last byte that is here now.

    Raises:
        OutOfStep, TooMuch, WrongChecksum, Over: see there; nothing of the chunk was kept.
        BrokeOff: the source failed; what came before is kept.
        BadUpload: its first bytes are not of the announced kind.
        OSError: the disk failed; what was written until then is kept.
    """
    at = offset(submission)
    if begins != at:
        raise OutOfStep(at)
    if length > submission.file_bytes - at:
        raise TooMuch(f"{submission.file_bytes:,} bytes were announced, and this would be {at + length:,}.")
    _note_progress(submission)
    if checksum is None:
        return _add(submission, at, source, length)
    with _verified(source, length, checksum) as chunk:
        return _add(submission, at, chunk, length)


def _add(submission: Submission, at: int, source: Source, length: int) -> int:
    noted, end = time.monotonic(), at + length
    with os.fdopen(os.open(arrived(submission), os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0) as file:
        while at < end and (block := _read(source, end - at)):
            at = _write(file.fileno(), block, at)
            if at - len(block) < HEAD_BYTES and (at >= HEAD_BYTES or at == submission.file_bytes):
                check_head(submission.kind, os.pread(file.fileno(), HEAD_BYTES, 0))
            if time.monotonic() - noted > SIGN_SECONDS:
                _note_progress(submission)
                noted = time.monotonic()
    _note_progress(submission)
    return at


def _read(source: Source, most: int) -> bytes:
    try:
        return source.read(min(BLOCK_BYTES, most))
    except OSError as error:
        raise BrokeOff from error


def _write(descriptor: int, block: bytes, at: int) -> int:
    """Writes a block at the end of the file, if that is where it belongs. Returns the new end."""
    with _locked(descriptor):
        now = os.fstat(descriptor)
        if not now.st_nlink:
            raise Over
        if now.st_size != at:
            raise OutOfStep(now.st_size)
        rest = memoryview(block)
        while rest:
            written = os.pwrite(descriptor, rest, at)
            rest, at = rest[written:], at + written
    return at


def _note_progress(submission: Submission) -> None:
    """A sign of life. Raises Over if the upload is no more."""
    rows = Submission.objects.filter(pk=submission.pk, state=State.UPLOADING)
    if not rows.update(received_at=timezone.now()):
        raise Over


@contextmanager
def _verified(source: Source, length: int, checksum: tuple[str, bytes]) -> Iterator[IO[bytes]]:
    """The chunk, once all of it is here and has this checksum."""
    if length > MOST_CHECKED_BYTES:
        raise TooMuch(f"A chunk with a checksum has at most {MOST_CHECKED_BYTES:,} bytes.")
    algorithm, digest = checksum
    measure = hashlib.new(algorithm, usedforsecurity=False)
    with tempfile.TemporaryFile(dir=_folder()) as chunk:
        left = length
        while left and (block := _read(source, left)):
            measure.update(block)
            chunk.write(block)
            left -= len(block)
        if measure.digest() != digest:
            raise WrongChecksum("This chunk arrived changed or not whole, and was not kept. Send it again.")
        chunk.seek(0)
        yield chunk


# From many pieces, or one, to a whole


def adopt(submission: Submission, upload: UploadedFile[Any], most_bytes: int) -> None:
    """Takes a file that came whole, in a form, for what has arrived; sets `file_bytes` (does not save the row).

    A large one lies on this disk already and is only renamed. The size a browser announced is not believed.

    Raises:
        BadUpload: more than `most_bytes` came.
    """
    place, own_place = arrived(submission), getattr(upload, "temporary_file_path", None)
    if own_place is not None:
        shutil.move(own_place(), place)
    else:
        upload.seek(0)
        with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            while file.tell() <= most_bytes and (chunk := upload.read(CHUNK_BYTES)):
                file.write(chunk)
    submission.file_bytes = place.stat().st_size
    if submission.file_bytes > most_bytes:
        raise BadUpload(f"The file is larger than the {most_bytes:,} bytes this phase takes.")


def examine(submission: Submission) -> str:
    """SHA-256 of the whole upload, which is then safe on this disk.

    Raises:
        BadUpload: it is not of its kind, or not the file that was announced.
    """
    with arrived(submission).open("rb") as file:
        check_head(submission.kind, file.read(HEAD_BYTES))
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    if submission.file_sha256 not in ("", digest):
        raise BadUpload(
            f"The file that arrived is not the one that was announced: its SHA-256 is {digest}, and was to be "
            f"{submission.file_sha256}. Upload it again, from the beginning."
        )
    return digest


@contextmanager
def finishing(submission: Submission) -> Iterator[bool]:
    """Only one at a time finishes an upload; the lock dies with its holder. False: another does, or nothing is here."""
    try:
        file = arrived(submission).open("rb")
    except FileNotFoundError:
        yield False
        return
    with file:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True  # Closing the file lets go of the lock.


def remove(submission: Submission) -> None:
    """Removes what has arrived. A sender who is still at it learns that the upload is over."""
    arrived(submission).unlink(missing_ok=True)


def sweep() -> None:
    """Removes from this machine what belongs to no upload under way: of those cancelled elsewhere, and of processes
    that died."""
    long_ago = time.time() - STALE_SECONDS
    for path in _folder().iterdir():
        try:
            if _is_over(path) if path.suffix in (".part", ".twin") else path.stat().st_mtime < long_ago:
                path.unlink()
        except (FileNotFoundError, IsADirectoryError, PermissionError):
            continue  # Another sweeper was faster, or it is nothing of ours.


def _is_over(path: Path) -> bool:
    """Whose row is not `uploading`. The row comes before the file, so one without a row is left over."""
    try:
        key = UUID(path.stem)
    except ValueError:
        return False
    return not Submission.objects.filter(pk=key, state=State.UPLOADING).exists()


def _folder() -> Path:
    return Path(settings.FILE_UPLOAD_TEMP_DIR)


@contextmanager
def _locked(descriptor: int) -> Iterator[None]:
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
