"""What all acts share: how they are refused, and how two people who edit one thing don't undo each other's work."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Model, QuerySet

from challenge import audit
from challenge.models import AuditEntry, Challenge

Record = TypeVar("Record", bound=Model)


class Refused(Exception):
    """It can't be done; the message tells the person who asked why, and what to do.

    Attributes:
        field: the value that is wrong, by its name in the record; empty: it is not about one.
    """

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class Stale(Refused):
    """Somebody else has changed it since it was opened. Nothing is saved.

    Attributes:
        now: what is saved, by name, of what differs from what was opened.
    """

    def __init__(self, message: str, now: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.now = now


def values_of(record: Model, fields: Iterable[str]) -> dict[str, Any]:
    """The record's values of these fields; of a related record its id."""
    return {name: getattr(record, record._meta.get_field(name).attname) for name in fields}  # type: ignore[union-attr]


def _shown(record: Model, fields: Iterable[str]) -> dict[str, Any]:
    """The same for people to read: related records by their names."""
    return {name: getattr(record, name) for name in fields}


def fingerprint(values: Mapping[str, Any]) -> str:
    """Of values as a person saw them: sent back with what she changed, it tells whether they still hold."""
    written = json.dumps(audit.plain(values), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(written.encode()).hexdigest()[:20]


def name_of(record: Model) -> str:
    """How the details of audit entries name a record: `phase 12`."""
    return f"{record._meta.model_name} {record.pk}"


def edit(
    record: Record,
    values: Mapping[str, Any],
    *,
    challenge: Challenge,
    by: User,
    act: str,
    what: str,
    seen: str = "",
    seen_fields: Iterable[str] = (),
    check: Callable[[Record, dict[str, list[Any]]], None] | None = None,
) -> dict[str, list[Any]]:
    """Changes some fields of a record, once for all the rules that edits share.

    Args:
        values: the fields that may change, by name.
        what: the entry's sentence, such as "Edited the phase Final"; names of the fields are added.
        seen: `fingerprint` of the `seen_fields` as the editor saw them (all of `values` if none). Empty: not asked.
        check: is called with the record as it would be, and with what changes; raises Refused.

    Returns:
        What changed, as `{name: [before, after]}`; empty, and nothing is noted, if nothing did.

    Raises:
        Refused: by `check`.
        Stale: somebody else has changed it since.
    """
    model = type(record)
    with transaction.atomic():
        now = model._default_manager.select_for_update().get(pk=record.pk)
        before = _shown(now, values)
        check_fresh(now, challenge, seen, values_of(now, seen_fields or values))
        for name, value in values.items():
            setattr(now, name, value)
        changed = audit.changes(before, _shown(now, values))
        if not changed:
            return {}
        if check:
            check(now, changed)
        now.save(update_fields=list(values))
        audit.note(challenge, by, act, f"{what}: {', '.join(changed)}", record=name_of(record), changes=changed)
    record.refresh_from_db(fields=list(values))
    return changed


def check_fresh(record: Model, challenge: Challenge, seen: str, now: Mapping[str, Any]) -> None:
    """Raises Stale unless `seen`, if given, is the fingerprint of what is saved now."""
    if not seen or seen == fingerprint(now):
        return
    last = AuditEntry.objects.filter(challenge=challenge, details__record=name_of(record)).first()
    who = f" by {last.actor}, on {last.at:%-d %B at %H:%M} UTC," if last else ""
    raise Stale(
        f"This was changed{who} since you opened it. Nothing of yours is saved yet: below is what you typed, and "
        "beside it what is saved now. Save once more to have it your way.",
        now,
    )


def move_by_one(record: Any, neighbours: QuerySet[Any], challenge: Challenge, by: User, act: str, *, up: bool) -> bool:
    """Changes places with the one before or after it, by `position`. False: there is none.

    Places are numbered anew on the way: they may have been equal.
    """
    with transaction.atomic():
        order = list(neighbours.select_for_update().order_by("position", "id"))
        place = next(number for number, one in enumerate(order) if one.pk == record.pk)
        other = place - 1 if up else place + 1
        if not 0 <= other < len(order):
            return False
        order[place], order[other] = order[other], order[place]
        for number, one in enumerate(order):
            if one.position != number:
                type(one)._default_manager.filter(pk=one.pk).update(position=number)
        audit.note(challenge, by, act, f"Moved {record.title} {'up' if up else 'down'}", record=name_of(record))
    return True
