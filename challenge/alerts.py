"""Mails to the operators about what only they can mend: each cause at most once an hour.

The database remembers what was sent, so that ten workers that see the same fault send one mail between them. Like all
mail, an alert that the mail server does not take waits in the database and is tried again: see delivery.py.
"""

from __future__ import annotations

import datetime as dt

import structlog
from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import F
from django.utils import timezone

from challenge import delivery
from challenge.models import Alert, Notice, Topic

QUIET = dt.timedelta(hours=1)
"""How long a cause stays quiet after its mail."""

FORGOTTEN = dt.timedelta(days=90)
"""Causes that have not been seen for so long are no longer kept."""

MOST_BODY_CHARACTERS = 20_000

log = structlog.get_logger(__name__)


def alert(cause: str, subject: str, body: str) -> None:
    """Mails the operators (PARAKH_OPERATORS), once the transaction under way has been committed. Never raises.

    Args:
        cause: what happened, in a few words that are the same each time: "platform fault HOST_FAULT". One mail an hour
            for each; a cause that names a submission would mail for every submission of a broken host.
        subject: what is wrong, in one line.
        body: what was seen, what it means for participants, and what to do.
    """
    transaction.on_commit(lambda: _tell(cause[:200], " ".join(subject.split())[:200], body), robust=True)


def _tell(cause: str, subject: str, body: str) -> None:
    log.error("alert", cause=cause, subject=subject)
    try:
        row = _take_turn(cause)
    except DatabaseError as error:
        # Without the database nobody knows what was sent: the log has it, and who alerts next may have more luck.
        log.error("no alert could be sent: the database does not answer", cause=cause, error=str(error))
        return
    if row is None:
        return
    try:
        notices = _write(row, subject, body)
        delivery.send_now(notices)  # What fails is tried again with all other mails.
    except Exception as error:  # Whatever it is: none may end an evaluation.
        log.error("the alert could not be mailed; the next one of this cause will try again", error=repr(error))
        Alert.objects.filter(pk=row.pk).update(mailed_at=None)
    else:
        Alert.objects.filter(pk=row.pk).update(silenced=F("silenced") - row.silenced)


def _take_turn(cause: str) -> Alert | None:
    """This cause's row if it is ours to mail now; None, counted, if somebody has mailed within the hour."""
    now = timezone.now()
    row, is_new = Alert.objects.get_or_create(cause=cause)
    if is_new:
        Alert.objects.filter(seen_at__lt=now - FORGOTTEN).delete()
    mine = Alert.objects.filter(pk=row.pk).exclude(mailed_at__gt=now - QUIET)
    if mine.update(mailed_at=now, seen_at=now):
        return row
    Alert.objects.filter(pk=row.pk).update(silenced=F("silenced") + 1, seen_at=now)
    return None


def _write(row: Alert, subject: str, body: str) -> list[Notice]:
    """A mail to each operator, kept until it is sent."""
    silenced = row.silenced
    again = f"Seen {silenced} more time{'s' if silenced > 1 else ''} since the last mail about it.\n\n"
    text = (again if silenced else "") + body.strip()[:MOST_BODY_CHARACTERS]
    footer = (
        f"-- \nParakh at {settings.SITE_URL}, to its operators (PARAKH_OPERATORS).\n"
        "You get at most one mail an hour about the same cause; the log has every occurrence."
    )
    return [
        Notice.objects.create(
            email=operator,
            topic=Topic.OPERATORS,
            cause=f"alert {row.pk} {timezone.now():%Y-%m-%d %H:%M:%S.%f} {number}",
            subject=f"[Parakh] {subject}"[:200],
            body=f"{text}\n\n{footer}\n",
        )
        for number, operator in enumerate(settings.PARAKH_OPERATORS)
    ]
