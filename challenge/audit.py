"""The audit trail: every act of an organizer or of staff, written in the transaction of the act.

An entry is never changed: guards.py has the database refuse it.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User

from challenge.models import AuditEntry, Challenge

MOST_DETAIL_CHARACTERS = 20_000
"""A text that was changed may be long: the entry keeps the start of what does not fit."""

MOST_TEXT_CHARACTERS = 2_000
"""Of a single text among the details."""


def note(challenge: Challenge | None, actor: User | str, act: str, what: str, **details: Any) -> AuditEntry:
    """Writes down what somebody did. To be called in the transaction that does it: both happen, or neither.

    Args:
        challenge: which it concerns; None for what concerns the whole site.
        actor: who did it, or the name of the program that did.
        act: one short word for the kind of act, by which the trail is filtered: `limits`, `disqualify`.
        what: one sentence for people, such as "Closed the phase Final on 3 May 2026, 12:00 UTC".
        details: before and after, or whom and why; dates and records are kept as text. `changes` shows a difference.
    """
    return AuditEntry.objects.create(
        challenge_id=challenge.pk if challenge else None,
        challenge_slug=challenge.slug if challenge else "",
        actor=_storable(actor if isinstance(actor, str) else actor.get_username())[:150],
        act=act[:40],
        what=_storable(what)[:300],
        details=_bounded(details),
    )


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """What differs between two sets of values, as `{name: [before, after]}`: for the details of an entry."""
    names = [*after, *(name for name in before if name not in after)]
    return {
        name: [plain(before.get(name)), plain(after.get(name))]
        for name in names
        if plain(before.get(name)) != plain(after.get(name))
    }


def _bounded(details: Mapping[str, Any]) -> Any:
    kept = plain(details)
    written = json.dumps(kept, ensure_ascii=False)
    return kept if len(written) <= MOST_DETAIL_CHARACTERS else {"cut": written[:MOST_DETAIL_CHARACTERS]}


def plain(value: Any) -> Any:
    """The value as JSON has it: dates in UTC, records as text, long text cut."""
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, Mapping):
        return {_storable(str(name)): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(one) for one in value]
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat(timespec="seconds")
    text = _storable(str(value))
    return text if len(text) <= MOST_TEXT_CHARACTERS else f"{text[:MOST_TEXT_CHARACTERS]}…"


def _storable(text: str) -> str:
    """Text that PostgreSQL takes: it has no NUL and no lone surrogates."""
    return text.replace("\x00", "\N{SYMBOL FOR NULL}").encode("utf-8", "replace").decode("utf-8")
