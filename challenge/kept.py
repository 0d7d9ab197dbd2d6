"""The label maps of submissions on a board: one zip each in storage, for organizers' exports and for pictures.

A name is written to the attempt before anything is stored under it, so that whatever breaks off, every file is known
to the database. Only attempts behind a row of a board (best, latest, final) need theirs; what falls off is removed
after the commit that put it off, and what that has missed by the sweep.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import IO

import structlog
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db.models import Exists, OuterRef, Q, QuerySet

from challenge import storage
from challenge.models import Attempt, AttemptState, BoardRow, Phase

log = structlog.get_logger(__name__)

MOST_SWEPT = 500
"""In one round of the sweep."""


class Missing(Exception):
    """There are no label maps of this attempt: they were never kept, or it has fallen off the board."""


def name(attempt: Attempt) -> str:
    """A name for what is about to be stored, noted in the attempt; empty if that is done already."""
    drawn = f"predictions/{attempt.pk}/{secrets.token_hex(8)}.zip"
    return drawn if _live(attempt).update(predictions=drawn) else ""


def store(drawn: str, packed: IO[bytes]) -> None:
    """Stores a zip under a name from `name`. Raises storage.Away."""
    packed.seek(0)
    with storage.reachable():
        default_storage.save(drawn, File(packed))


def discard(drawn: str) -> None:
    """Removes what was stored under a name that nobody knows. Raises storage.Away."""
    with storage.reachable():
        default_storage.delete(drawn)


def give_up(attempt: Attempt, why: str) -> None:
    """Nothing is kept of an attempt; its operators read why."""
    _live(attempt).update(predictions="", fault=f"its label maps were not kept: {why}")


@contextmanager
def opened(attempt: Attempt) -> Iterator[IO[bytes]]:
    """The zip of an attempt, to be read.

    Raises:
        Missing: it is not, or not any more, kept.
        storage.Away: the storage does not answer.
    """
    if not attempt.predictions:
        raise Missing
    with storage.reachable():
        if not default_storage.exists(attempt.predictions):
            raise Missing
        file = default_storage.open(attempt.predictions)
    with file:
        yield file


def tidy(phase: Phase, teams: Collection[int]) -> None:
    """Removes what of these teams is not behind a row of the phase's board any more."""
    _remove(_needless().filter(submission__phase=phase, submission__team__in=teams))


def sweep() -> bool:
    """Removes the same of everybody: what a crash, or a storage that was away, has left. True: there may be more."""
    return _remove(_needless()[:MOST_SWEPT]) == MOST_SWEPT


def _live(attempt: Attempt) -> QuerySet[Attempt]:
    return Attempt.objects.filter(pk=attempt.pk).exclude(state=AttemptState.DONE)


def _needless() -> QuerySet[Attempt]:
    on_board = BoardRow.objects.filter(score__attempt=OuterRef("pk"))
    done = Attempt.objects.filter(state=AttemptState.DONE).exclude(predictions="")
    return done.filter(~Exists(on_board) | Q(submission__phase__keep_predictions=False))


def _remove(attempts: QuerySet[Attempt]) -> int:
    """How many were removed. The file goes first: as long as the name stands, another round tries again."""
    removed = 0
    for pk, stored in list(attempts.values_list("pk", "predictions")):
        try:
            discard(stored)
        except storage.Away as error:
            log.warning("kept label maps could not be removed", attempt=pk, error=repr(error.__cause__))
            break
        Attempt.objects.filter(pk=pk, predictions=stored).update(predictions="")
        removed += 1
    return removed
