"""Sends the mails that wait in the database: at least once, by whatever is alive.

A mail is a `Notice`, written in the transaction that it tells of. Any number of processes may deliver at once: one
UPDATE decides who sends which, and holds it for `HELD`. A process that dies between sending a mail and noting it leaves
it to be sent once more, under the same Message-ID, by which mail programs know it again. A mail server that is down
costs no mail a try: all of them wait.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import smtplib
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import F
from django.utils import timezone

from challenge import subscriptions
from challenge.models import Notice, Topic

PAUSES = tuple(dt.timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 360, 720, 1440))
"""After the first failure, the second …; after one more it is given up."""

HELD = dt.timedelta(minutes=10)
"""Nobody else sends it for so long. Longer than one mail takes: `EMAIL_TIMEOUT` bounds each step of it."""

TOO_OLD = dt.timedelta(days=3)
"""What could not be sent for so long, because the server was down, is told too late to be of use: it is given up."""

KEPT = dt.timedelta(days=90)
"""For so long it is remembered what was sent."""

BATCH = 50
MOST_FORGOTTEN = 1_000
"""Old ones that are removed in one round."""

log = structlog.get_logger(__name__)


@dataclasses.dataclass(slots=True)
class Round:
    """What came of a round."""

    sent: int = 0
    failed: int = 0
    given_up: list[str] = dataclasses.field(default_factory=list)  # Where they should have gone, and why they did not.
    server_error: str = ""


def deliver(most: int | None = None, should_stop: Callable[[], bool] = lambda: False) -> Round:
    """Sends what is due, oldest first. Never raises for what a mail server does.

    Args:
        most: that many mails; None: all.
        should_stop: asked before each mail.
    """
    done = Round()
    _give_up_old(done)
    _send_each(_due(most), done, should_stop)
    _forget()
    return done


def send_now(notices: Iterable[Notice]) -> None:
    """Tries to send these, out of turn. What fails stays in the line."""
    _send_each(iter(notices), Round(), lambda: False)


def message(notice: Notice, connection: BaseEmailBackend | None = None) -> EmailMessage:
    """The mail as it goes out."""
    host = urlsplit(settings.SITE_URL).hostname
    headers = {
        "Message-ID": f"<notice-{notice.pk}.{notice.created:%Y%m%d%H%M%S%f}@{host}>",
        "Auto-Submitted": "auto-generated",  # No out-of-office answers.
    }
    if way_out := subscriptions.link(notice.user_id, notice.topic):
        # RFC 8058: the mail program's own button sends a POST there.
        headers["List-Unsubscribe"] = f"<{way_out}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return EmailMessage(
        subject=notice.subject,
        body=notice.body,
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[notice.email],
        headers=headers,
        connection=connection,
    )


def _send_each(notices: Iterator[Notice], done: Round, should_stop: Callable[[], bool]) -> None:
    connection: BaseEmailBackend | None = None
    for notice in notices:
        if should_stop():
            break
        connection = connection or _open(done)
        if connection is None:
            break
        if _take(notice) and not _send(notice, connection, done):
            _close(connection)  # It may be of no more use.
            connection = None
    _close(connection)


def _waiting() -> dict[str, None]:
    return {"sent_at": None, "given_up_at": None}


def _due(most: int | None) -> Iterator[Notice]:
    """What may be sent now. Looked up again and again: others send too, and more comes."""
    given = 0
    while most is None or given < most:
        size = BATCH if most is None else min(BATCH, most - given)
        due = Notice.objects.filter(**_waiting(), not_before__lte=timezone.now()).order_by("not_before", "pk")
        batch = list(due[:size])
        yield from batch
        given += len(batch)
        if len(batch) < size:
            return


def _open(done: Round) -> BaseEmailBackend | None:
    connection: BaseEmailBackend = get_connection()
    try:
        connection.open()
    except (OSError, smtplib.SMTPException) as error:
        done.server_error = f"{type(error).__name__}: {error}"
        log.warning("the mail server can't be reached; mails wait", error=done.server_error)
        return None
    return connection


def _close(connection: BaseEmailBackend | None) -> None:
    if connection is not None:
        try:
            connection.close()
        except (OSError, smtplib.SMTPException) as error:
            log.info("the mail server ended the connection badly", error=repr(error))


def _take(notice: Notice) -> bool:
    """True if it is ours to send."""
    now = timezone.now()
    mine = Notice.objects.filter(pk=notice.pk, **_waiting(), tries=notice.tries, not_before__lte=now)
    return mine.update(tries=F("tries") + 1, not_before=now + HELD) == 1


def _send(notice: Notice, connection: BaseEmailBackend, done: Round) -> bool:
    """Sends one that is ours, and notes what came of it. False: it failed."""
    row = Notice.objects.filter(pk=notice.pk)
    try:
        message(notice, connection).send()
    except Exception as error:  # Mail servers, their libraries and odd addresses fail in many ways; none ends a round.
        why = f"{type(error).__name__}: {error}"[:300]
        if notice.tries < len(PAUSES):
            row.update(not_before=timezone.now() + PAUSES[notice.tries])
            log.warning("a mail was not taken; it is tried again", notice=notice.pk, to=notice.email, error=why)
        else:
            row.update(given_up_at=timezone.now())
            log.error("a mail is given up", notice=notice.pk, to=notice.email, error=why)
            if notice.topic != Topic.OPERATORS:
                done.given_up.append(f"{notice.email} (“{notice.subject}”): {why}")
        done.failed += 1
        return False
    # The words of account mails open accounts: they are not kept.
    words = {"body": ""} if notice.topic == Topic.ACCOUNT else {}
    row.update(sent_at=timezone.now(), **words)
    done.sent += 1
    return True


def _give_up_old(done: Round) -> None:
    now = timezone.now()
    old = Notice.objects.filter(**_waiting(), created__lt=now - TOO_OLD)
    count = old.exclude(topic=Topic.OPERATORS).count()
    if old.update(given_up_at=now) and count:
        done.given_up.append(f"{count} mail{'s' if count > 1 else ''} that waited for {TOO_OLD.days} days")


def _forget() -> None:
    long_past = Notice.objects.filter(created__lt=timezone.now() - KEPT).order_by("created")
    chosen = list(long_past.values_list("pk", flat=True)[:MOST_FORGOTTEN])
    if chosen:
        Notice.objects.filter(pk__in=chosen).delete()
