"""From a file on somebody's disk to a submission in the queue.

A place of the quota is taken before the first byte arrives, under the team's lock. Then come the bytes, in pieces or at
once, and the whole is examined, put into storage and queued. What ends before that gives its place back.

What counts is when the place was taken: an upload that was begun before the deadline may go on for GRACE_MINUTES.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any
from uuid import UUID

import structlog
from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from challenge import admission, lineup, quotas, states, storage, uploads
from challenge.admission import Refused
from challenge.models import Phase, State, Submission, Team

log = structlog.get_logger(__name__)

ABANDONED_HOURS = 6
"""An upload of which nothing has come for so long is given up."""

LONGEST_HOURS = 48
"""However slowly it arrives: after so long it is given up."""

MOST_OPEN = 4
"""Uploads of one team under way at once, in all phases together: each may hold much of the disk."""


def create(
    *,
    phase: Phase,
    team: Team,
    user: User,
    kind: str,
    upload: UploadedFile[Any],
    title: str = "",
    base: str = "",
    file_name: str = "",
    pk: UUID | None = None,
    **about: Any,
) -> Submission:
    """Takes an upload that came whole, keeps it and queues it.

    Args:
        kind: a value of `Kind`.
        pk: id it is to have; the database refuses a second of it. None: a new one.
        base: base image of a code submission; empty: the first that is offered.
        title: shown on the board; empty: the file's name.
        about: the rest of admission.Description.
        file_name: as the participant called the file; empty: as the upload says.

    Raises:
        Refused: closed, not allowed, over a quota, or not a file of that kind. Nothing is kept then.
        storage.Away: it can't be kept now. Nothing is kept then.
    """
    admission.check_may_submit(phase, team, user)
    most_bytes = admission.check_size(phase, kind, upload.size or 0)
    described = admission.Description(title=title, **about)
    submission = _described(phase, team, user, kind, base, file_name or upload.name or "", described)
    submission.pk = pk or submission.pk
    upload.seek(0)
    _check_head(kind, upload.read(uploads.HEAD_BYTES))
    submission.file_bytes = upload.size or 0  # Cut off from here on, it can go on like any other.
    _reserve(submission)
    try:
        with storage.reachable():
            uploads.adopt(submission, upload, most_bytes)
        _keep(submission)
    except BaseException as error:
        _forget(submission)
        if isinstance(error, uploads.BadUpload):
            raise Refused(str(error)) from None
        raise
    return submission


def begin(
    *,
    phase: Phase,
    team: Team,
    user: User,
    kind: str,
    size: int,
    title: str = "",
    base: str = "",
    file_name: str = "",
    sha256: str = "",
    pk: UUID | None = None,
    **about: Any,
) -> Submission:
    """Takes a place of the quota for an upload that will come in pieces.

    Args:
        pk: id it is to have; the database refuses a second of it. None: a new one.
        size: bytes of the whole file; not one more is taken.
        sha256: of the whole file, as 64 hexadecimal digits; empty: not known yet. If it is, nothing else is taken.
        about: the rest of admission.Description.

    Raises:
        Refused: closed, not allowed, over a quota, too large, or too many uploads are under way.
        storage.Away: there is no room for it now.
    """
    admission.check_may_submit(phase, team, user)
    admission.check_size(phase, kind, size)
    submission = _described(phase, team, user, kind, base, file_name, admission.Description(title=title, **about))
    submission.pk = pk or submission.pk
    submission.file_bytes, submission.file_sha256 = size, sha256
    uploads.sweep()
    storage.check_room(uploads.expected() + size)
    return _reserve(submission, most_open=MOST_OPEN)


def receive(
    submission: Submission,
    offset: int,
    source: uploads.Source,
    length: int,
    checksum: tuple[str, bytes] | None = None,
) -> int:
    """Adds a piece to an upload, and queues it if that was the last. Returns the new offset.

    Raises:
        Refused: it came too late, or is not a file of that kind; the upload is ended then.
        storage.Away: it can't be kept now. What has been kept stays.
        uploads.OutOfStep, TooMuch, WrongChecksum, BrokeOff, Over: see there.
    """
    if length == 0 and offset == submission.file_bytes == uploads.offset(submission):
        complete(submission)
        return offset
    _check_deadline(submission, timezone.now())
    try:
        with storage.reachable():
            offset = uploads.append(submission, offset, source, length, checksum)
    except uploads.BadUpload as error:
        _end(submission, actor=submission.creator.get_username(), reason=str(error))
        raise Refused(str(error)) from None
    if offset == submission.file_bytes:
        complete(submission)
    return offset


def complete(submission: Submission) -> None:
    """Keeps and queues an upload of which every byte is here. Done once, however often and by whomever it is asked.

    Nobody waits for another who is at it: that would hold one thread of the site for each who asks.

    Raises:
        Refused: it came too late, or is not what was announced; the upload is ended then.
        storage.Away: it can't be kept now. Everything stays; ask again.
    """
    with uploads.finishing(submission) as is_ours:
        submission.refresh_from_db()
        if not is_ours or submission.state != State.UPLOADING:
            return
        _check_deadline(submission, submission.received_at or submission.created)
        try:
            _keep(submission)
        except uploads.BadUpload as error:
            _end(submission, actor=submission.creator.get_username(), reason=str(error))
            raise Refused(str(error)) from None


def resume(submission: Submission) -> bool:
    """Goes on with a `create` that was cut off, by the same request sent again.

    Returns:
        False if it had not come far enough: nothing of it is left, and it is to be created anew.

    Raises:
        Refused, storage.Away: as `complete` does.
    """
    if submission.state != State.UPLOADING:
        return True
    if uploads.offset(submission) < submission.file_bytes:
        _forget(submission)
        return False
    complete(submission)
    return True


def drop_broken_uploads() -> None:
    """Ends uploads of which nothing came for long, and removes from this machine what is left of others."""
    now = timezone.now()
    silent_since = now - dt.timedelta(hours=ABANDONED_HOURS)
    silent = Q(received_at__lt=silent_since) | Q(received_at=None, created__lt=silent_since)
    endless = Q(created__lt=now - dt.timedelta(hours=LONGEST_HOURS))
    for submission in Submission.objects.filter(silent | endless, state=State.UPLOADING):
        _end(submission, actor="reaper", reason="the upload broke off")
    uploads.sweep()


def _described(
    phase: Phase, team: Team, user: User, kind: str, base: str, file_name: str, about: admission.Description
) -> Submission:
    """The row that is to be; nothing is written yet."""
    file_name = admission.one_line(file_name, 200) or "upload"
    described = dataclasses.asdict(about.checked())
    described["title"] = described["title"] or file_name[:100]
    return Submission(
        phase=phase,
        team=team,
        creator=user,
        kind=kind,
        base=admission.base_image(kind, base),
        file_name=file_name,
        **described,
    )


def _reserve(submission: Submission, most_open: int | None = None) -> Submission:
    """Inserts the row that takes one place of the quota. The team's row is locked: parallel submits come in turn."""
    with transaction.atomic():
        team = Team.objects.select_for_update().filter(pk=submission.team_id).first()
        if team is None:
            raise Refused("This team is no more.")
        if not team.is_baseline and not team.memberships.filter(user=submission.creator_id).exists():
            raise Refused("You are no longer in this team.")  # She left, or it merged, since she was asked for it.
        if not (team.is_baseline or submission.creator.is_staff):
            refusal = quotas.quota(submission.phase, team).refusal
            if refusal:
                raise Refused(refusal)
        if most_open is not None:
            under_way = Submission.objects.filter(team=team, state=State.UPLOADING).count()
            if under_way >= most_open:
                raise Refused(
                    f"Your team has {under_way} uploads that are not complete, and {most_open} is the limit. "
                    "Complete one, or cancel it."
                )
        submission.save(force_insert=True)
    return submission


def _check_head(kind: str, head: bytes) -> None:
    try:
        uploads.check_head(kind, head)
    except uploads.BadUpload as error:
        raise Refused(str(error)) from None


def _check_deadline(submission: Submission, at: dt.datetime) -> None:
    """Ends the upload and raises Refused if bytes of `at` came too late."""
    refusal = admission.too_late(submission.phase, submission.team, at)
    if refusal:
        _end(submission, actor="deadline", reason=refusal)
        raise Refused(refusal)


def _keep(submission: Submission) -> None:
    """From the arrived file to a place in the queue. Raises BadUpload; storage.Away."""
    with storage.reachable():
        digest = uploads.examine(submission)
    if storage.keep(submission, uploads.arrived(submission)) and not _queue(submission, digest):
        _discard(submission)  # It was cancelled meanwhile.
    uploads.remove(submission)
    submission.refresh_from_db()


def _queue(submission: Submission, digest: str) -> bool:
    with transaction.atomic():
        return states.move(
            submission,
            State.UPLOADING,
            State.QUEUED,
            actor=submission.creator.get_username(),
            reason="submitted",
            file_bytes=submission.file_bytes,
            file_sha256=digest,
            queued_at=timezone.now(),
            turn=lineup.next_turn(submission.team),
        )


def _end(submission: Submission, *, actor: str, reason: str) -> None:
    """The upload will not become anything: its place is given back, its bytes are removed."""
    with transaction.atomic():
        ended = states.move(
            submission,
            State.UPLOADING,
            State.CANCELLED,
            actor=actor,
            reason=reason,
            charged=False,
            finished_at=timezone.now(),
        )
    if ended:
        uploads.remove(submission)
        _discard(submission)


def _forget(submission: Submission) -> None:
    """Removes an upload that came whole and was not taken: nobody has seen it yet."""
    uploads.remove(submission)
    _discard(submission)
    Submission.objects.filter(pk=submission.pk, state=State.UPLOADING).delete()


def _discard(submission: Submission) -> None:
    """Removes what was stored of it. A storage that is away keeps nobody from ending an upload."""
    try:
        storage.discard(submission)
    except storage.Away as error:
        log.warning("a stored file could not be removed", name=submission.file.name, error=repr(error.__cause__))
