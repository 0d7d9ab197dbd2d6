"""A person's API tokens: several, each with a name and perhaps an end, each shown once."""

from __future__ import annotations

import datetime as dt

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from challenge.models import Token

MOST = 10
"""Tokens of one person."""

NOTED_EVERY = dt.timedelta(minutes=10)
"""How exactly it is known when one was last used: a write at each call would cost more than the call."""


class TokenRefused(Exception):
    """It can't be made; the message is for the person who asked."""


def make(user: User, name: str, days: int | None) -> str:
    """A new token, in full: nobody can read it again.

    Args:
        name: what it is for; one line.
        days: how long it works; None: until it is revoked.

    Raises:
        TokenRefused: no name, a name she has used, or too many tokens.
    """
    name = " ".join("".join(c if c.isprintable() else " " for c in name).split())[:60]
    if not name:
        raise TokenRefused("Give the token a name, such as the script or the machine it is for.")
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        mine = Token.objects.filter(user=user)
        mine.filter(expiry__lt=timezone.now()).delete()
        if mine.filter(name=name).exists():
            raise TokenRefused(f"You have a token called “{name}” already. Revoke it first, or choose another name.")
        if mine.count() >= MOST:
            raise TokenRefused(f"You have {MOST} tokens, and that is the limit. Revoke one that you no longer need.")
        _, token = Token.objects.create(user=user, name=name, expiry=dt.timedelta(days=days) if days else None)
    return str(token)


def revoke(user: User, name: str) -> bool:
    """From now on it is refused. False: she has none of that name."""
    return bool(Token.objects.filter(user=user, name=name).delete()[0])


def note_use(token: Token) -> None:
    """Writes down that it was used, if that was not done just now."""
    long_ago = timezone.now() - NOTED_EVERY
    if token.last_used is None or token.last_used < long_ago:
        due = Token.objects.filter(Q(last_used=None) | Q(last_used__lt=long_ago), pk=token.pk)
        due.update(last_used=timezone.now())
