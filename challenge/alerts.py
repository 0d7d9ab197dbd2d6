"""Mails to the operators about what only they can mend: each cause at most once an hour.

The database remembers what was sent, so that ten workers that see the same fault send one mail between them.
"""

from __future__ import annotations

import datetime as dt

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import DatabaseError, transaction
from django.db.models import F
from django.utils import timezone

from challenge.models import Alert

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
    if row is None or not settings.PARAKH_OPERATORS:
        return
    try:
        _mail(subject, body, silenced=row.silenced)
    except Exception as error:  # Mail servers and their libraries fail in many ways; none may end an evaluation.
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


def _mail(subject: str, body: str, silenced: int) -> None:
    again = f"Seen {silenced} more time{'s' if silenced > 1 else ''} since the last mail about it.\n\n"
    text = (again if silenced else "") + body.strip()[:MOST_BODY_CHARACTERS]
    footer = (
        f"-- \nParakh at {settings.SITE_URL}, to its operators (PARAKH_OPERATORS).\n"
        "You get at most one mail an hour about the same cause; the log has every occurrence."
    )
    EmailMessage(
        subject=f"[Parakh] {subject}",
        body=f"{text}\n\n{footer}\n",
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=settings.PARAKH_OPERATORS,
        headers={"Auto-Submitted": "auto-generated"},  # No out-of-office answers.
    ).send()
