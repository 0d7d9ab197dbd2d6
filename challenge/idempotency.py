"""Requests that a script may send again: the first that comes is done, the others get its answer.

A key belongs to a person and to one request. What a request makes has an id that is drawn with the key, so that
however often it is cut off and sent again, there is one submission: the database refuses a second of that id.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from challenge.models import IdempotencyKey

KEPT = dt.timedelta(hours=24)

MOST = 1000
"""Of one person, in that time."""

HELD = dt.timedelta(seconds=60)
"""A request that has not been answered for so long was cut off, most likely: the next one goes on with it."""


class Reused(Exception):
    """The key came with another request before."""


class UnderWay(Exception):
    """The same request is being done at this moment. `seconds`: ask again after that."""

    def __init__(self, seconds: int = 1) -> None:
        super().__init__("The same request is being done at this moment.")
        self.seconds = seconds


class TooMany(Exception):
    """The person has used too many keys; the message tells her so."""


def take(user: User, key: str, digest: str) -> IdempotencyKey:
    """The record of this request: with a `status` if it has been answered, else it is the caller's to do.

    Raises:
        Reused, UnderWay, TooMany: see there.
    """
    now = timezone.now()
    mine = IdempotencyKey.objects.filter(user=user)
    mine.filter(key=key, created__lt=now - KEPT).delete()
    if not mine.filter(key=key).exists():
        if mine.count() >= MOST:
            raise TooMany(f"You have used {MOST:,} keys within {KEPT.days * 24} hours, and that is the limit.")
        try:
            with transaction.atomic():
                return IdempotencyKey.objects.create(user=user, key=key, digest=digest, held_until=now + HELD)
        except IntegrityError:
            pass  # Another was faster.
    found = mine.filter(key=key).first()
    if found is None:
        raise UnderWay  # It has just been let go.
    if found.digest != digest:
        raise Reused
    if found.status is None and not _taken_over(found, now):
        raise UnderWay
    return found


def _taken_over(found: IdempotencyKey, now: dt.datetime) -> bool:
    """True for one of those who ask after it was cut off."""
    rows = IdempotencyKey.objects.filter(pk=found.pk, status=None, held_until__lte=now)
    return rows.update(held_until=now + HELD) == 1


def answered(record: IdempotencyKey, status: int, answer: Any) -> None:
    """Keeps the answer for those who ask again."""
    IdempotencyKey.objects.filter(pk=record.pk).update(status=status, answer=answer)


def let_go(record: IdempotencyKey) -> None:
    """It was refused, and nothing was made: the key is as if it had never been used."""
    IdempotencyKey.objects.filter(pk=record.pk, status=None).delete()


def cut_off(record: IdempotencyKey) -> None:
    """It failed half-way: whoever asks again goes on with it at once."""
    IdempotencyKey.objects.filter(pk=record.pk, status=None).update(held_until=timezone.now())


def sweep() -> None:
    """Removes keys that are older than they are kept."""
    IdempotencyKey.objects.filter(created__lt=timezone.now() - KEPT).delete()
