"""Mails as files in `PARAKH_VAR/mail`, where no mail server is set: one each, to be read with any editor.

So a newcomer on a laptop can follow a link that a mail would have brought her.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import secrets
from collections.abc import Sequence

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

MOST_FILES = 500
"""Older ones are removed."""


class EmailBackend(BaseEmailBackend):
    """Writes `2026-11-24T164300.123456-to-alice@example.org.txt`. Only the user who runs the site may read it."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """All of them; the number written."""
        settings.MAIL_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
        for message in email_messages:
            self._write(message)
        for old in sorted(settings.MAIL_DIR.glob("*.txt"))[:-MOST_FILES]:
            old.unlink(missing_ok=True)
        return len(email_messages)

    def _write(self, message: EmailMessage) -> None:
        now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H%M%S.%f")
        to = re.sub(r"[^A-Za-z0-9@._+-]", "_", ",".join(message.recipients()))[:100]
        draft = settings.MAIL_DIR / f".{secrets.token_hex(8)}"
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(message.message().as_bytes())
        draft.rename(settings.MAIL_DIR / f"{now}-to-{to}.txt")
