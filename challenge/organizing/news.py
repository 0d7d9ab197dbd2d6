"""Announcements: published at once, mailed in portions by whatever is alive (mails.spread_news)."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from challenge import audit
from challenge.models import Announcement, Challenge
from challenge.organizing import texts
from challenge.organizing.acts import Refused

MOST_A_DAY = 5
"""Each goes to everybody's mailbox."""


def publish(challenge: Challenge, by: User, *, title: str, body: str) -> Announcement:
    """Puts it on the challenge's page, and has everybody mailed who takes part and wants news.

    Raises:
        Refused: the text is too long, or there were too many today.
    """
    if len(body) > texts.MOST_CHARACTERS:
        raise Refused(f"The text has {len(body):,} characters; {texts.MOST_CHARACTERS:,} is the most.", field="body")
    with transaction.atomic():
        locked = Challenge.objects.select_for_update().get(pk=challenge.pk)
        midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
        if locked.announcements.filter(at__gte=midnight).count() >= MOST_A_DAY:
            raise Refused(
                f"There were {MOST_A_DAY} announcements today, and that is the most. The next day begins at 00:00 UTC."
            )
        made = Announcement.objects.create(challenge=locked, title=title, body=body, by=by, mail_after=0)
        audit.note(challenge, by, "news", f"Announced “{title}”", body=body)
    return made


def withdraw(announcement: Announcement, by: User) -> None:
    """Takes it off the site; who has not been mailed yet will not be. Twice is once."""
    with transaction.atomic():
        live = Announcement.objects.filter(pk=announcement.pk, withdrawn_at=None)
        if live.update(withdrawn_at=timezone.now(), mail_after=None):
            audit.note(announcement.challenge, by, "news", f"Withdrew “{announcement.title}”")
