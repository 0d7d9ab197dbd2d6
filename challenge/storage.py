"""Where finished uploads are kept, local disk or bucket, and from there to a file a worker can open."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import Storage

from challenge.models import State, Submission
from evaluator.errors import PlatformError
from sandbox import Code

CHUNK_BYTES = 1024 * 1024

SPARE_BYTES = 1024**3
"""So much of the disk is left free for the database and for uploads under way."""


class Away(Exception):
    """Files can't be kept or read now, by our fault. The message is for the person who uploads."""


@contextmanager
def reachable() -> Iterator[None]:
    """Tells what a disk or a bucket fails at in words for the one who waits for it.

    Raises:
        Away: whatever the storage said; it is the cause.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Away("The site has no room for files just now. What has arrived is kept; try later.") from error
        raise Away("The place where files are kept does not answer. What has arrived is kept; try later.") from error


def check_room(size: int) -> None:
    """Raises Away unless `size` more bytes can arrive here and leave some room."""
    with reachable():
        if shutil.disk_usage(settings.FILE_UPLOAD_TEMP_DIR).free < size + SPARE_BYTES:
            raise OSError(errno.ENOSPC, "no room for another upload")


def keep(submission: Submission, arrived: Path) -> bool:
    """Puts a finished file into storage under a new name, which is written to the row first.

    So a name that was used by a try that broke off is known, and removed by the next one. On a local disk the file is
    only given a second name; `arrived` stays where it is until the caller removes it.

    Returns:
        False if the submission is not uploading any more; nothing is kept then.

    Raises:
        Away: the storage failed; nothing has changed that a second try would not mend.
    """
    files = submission.file.storage
    with reachable():
        if submission.file.name:
            files.delete(submission.file.name)
        name = submission.file.field.generate_filename(submission, "upload")
        if not Submission.objects.filter(pk=submission.pk, state=State.UPLOADING).update(file=name):
            return False
        submission.file.name = name
        twin = arrived.with_suffix(".twin")
        twin.unlink(missing_ok=True)
        os.link(arrived, twin)
        try:
            with twin.open("rb") as file:
                files.save(name, _Movable(file, str(twin)))
        finally:
            twin.unlink(missing_ok=True)
    return True


def discard(submission: Submission) -> None:
    """Removes what is stored of a submission's upload. Raises Away if the storage does not answer."""
    if submission.file.name:
        with reachable():
            submission.file.storage.delete(submission.file.name)


@contextmanager
def local_copy(submission: Submission) -> Iterator[Path]:
    """The upload as a file on this machine, with the checksum it had when it was received.

    A bucket's object is copied into a file without a name, opened by its number: the kernel removes it with this
    process, however that ends.

    Raises:
        PlatformError: it can't be read, or is not what the team sent.
    """
    with _opened(submission) as file:
        named = isinstance(file.name, str)
        yield Path(file.name if named else f"/proc/{os.getpid()}/fd/{file.fileno()}")


def _opened(submission: Submission) -> Any:
    """The stored file itself, or a nameless copy of a remote one; verified."""
    files, name = submission.file.storage, submission.file.name or ""
    with ExitStack() as closing:
        try:
            file = closing.enter_context(_local(files, name))
            found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise PlatformError(Code.DISK_FAULT, f"the stored upload {name} can't be read: {error}") from error
        if found != submission.file_sha256:
            raise PlatformError(
                Code.DISK_FAULT,
                f"the stored upload {name} has changed: its SHA-256 is {found}, and was {submission.file_sha256}",
            )
        closing.pop_all()
    return file


def _local(files: Storage, name: str) -> Any:
    try:
        return Path(files.path(name)).open("rb")
    except NotImplementedError:
        pass  # Storage that is not a local disk.
    with ExitStack() as closing:
        copy = closing.enter_context(tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR))
        with files.open(name, "rb") as stored:
            shutil.copyfileobj(stored, copy, CHUNK_BYTES)
        copy.seek(0)
        closing.pop_all()
    return copy


class _Movable(File):  # type: ignore[type-arg]
    """A file that a local storage may move instead of copying it."""

    def temporary_file_path(self) -> str:
        assert self.name
        return self.name
