"""From an upload to a finished file in storage, and from there to a file a worker can open.

Nothing is unpacked or believed here: what is in the file is looked at by the evaluator, before it runs.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.core.files.uploadedfile import UploadedFile

from challenge.models import Kind, Submission
from sandbox import Limits

CHUNK_BYTES = 1024 * 1024


class BadUpload(Exception):
    """The file can't be taken; the message is for the person who sent it."""


def ceiling(kind: str, limits: Limits) -> int:
    """Most bytes an upload of this kind may have in a phase with these limits."""
    return limits.archive_packed_bytes if kind == Kind.CODE else limits.image_packed_bytes


def check_kind(kind: str, upload: UploadedFile[Any]) -> None:
    """Looks at the first bytes only: is it the sort of file this kind is made of?

    Raises:
        BadUpload: it is empty, or neither a zip (code) nor a tar, plain or packed by gzip or zstd (image).
    """
    upload.seek(0)
    head = upload.read(512)
    upload.seek(0)
    if not head:
        raise BadUpload("The file is empty. Choose it again; perhaps it was still being written.")
    if kind == Kind.CODE and not head.startswith(b"PK\x03\x04"):
        raise BadUpload("This is not a zip archive. A code submission is a .zip with predict.py at its top.")
    if kind == Kind.IMAGE and not (head[257:262] == b"ustar" or head.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd"))):
        raise BadUpload("This is not a tar archive. An image submission is the .tar that `docker save` writes.")


def receive(submission: Submission, upload: UploadedFile[Any], most_bytes: int) -> None:
    """Copies the upload into storage and sets `file`, `file_bytes`, `file_sha256` (does not save the row).

    Memory stays flat whatever the size. The size a browser announced is not believed: bytes are counted.

    Raises:
        BadUpload: more than `most_bytes` came.
    """
    measured = _Measured(upload, most_bytes)
    submission.file.save("upload", measured, save=False)
    submission.file_bytes = measured.count
    submission.file_sha256 = measured.digest.hexdigest()


def discard(submission: Submission) -> None:
    """Removes what is stored of an upload that was not completed."""
    name = submission.file.name or f"submissions/{submission.pk}/upload"
    submission.file.storage.delete(name)


@contextmanager
def local_copy(submission: Submission) -> Iterator[Path]:
    """The upload as a file on this machine: the stored file itself, or a temporary copy of a remote one."""
    try:
        yield Path(submission.file.path)
        return
    except NotImplementedError:
        pass  # Storage that is not a local disk.
    with tempfile.NamedTemporaryFile(prefix="parakh-") as copy:
        with submission.file.open("rb") as stored:
            shutil.copyfileobj(stored, copy, CHUNK_BYTES)
        copy.flush()
        yield Path(copy.name)


class _Measured(File):  # type: ignore[type-arg]
    """A file that is counted and hashed while the storage copies it."""

    def __init__(self, upload: UploadedFile[Any], most_bytes: int) -> None:
        super().__init__(upload.file, name="upload")
        self._source = upload
        self._most_bytes = most_bytes
        self.count = 0
        self.digest = hashlib.sha256()

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        self._source.seek(0)
        while chunk := self._source.read(CHUNK_BYTES):
            self.count += len(chunk)
            if self.count > self._most_bytes:
                raise BadUpload(f"The file is larger than the {self._most_bytes:,} bytes this phase takes.")
            self.digest.update(chunk)
            yield chunk
