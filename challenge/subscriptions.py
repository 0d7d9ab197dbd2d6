"""Which mails a person wants, and the link in a mail by which she stops them: signed, so that it needs no log-in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core import signing
from django.urls import reverse

from challenge.models import Profile, Topic

FIELDS = {Topic.DONE: "mail_when_done", Topic.NEWS: "mail_news"}
"""Mails that can be stopped, and where a profile says so. The others tell of what was done to a person or by her."""

WORDS = {
    Topic.DONE: "mails when a submission of yours has ended",
    Topic.NEWS: "mails with news of your challenges",
}

_SALT = "challenge.unsubscribe"


def unwilling(user_ids: Iterable[int], topic: Topic) -> set[int]:
    """Those of these people who have stopped mails of this kind."""
    field = FIELDS.get(topic)
    if field is None:
        return set()
    return set(Profile.objects.filter(user__in=user_ids, **{field: False}).values_list("user", flat=True))


def link(user_id: int | None, topic: str) -> str:
    """Where mails of this kind are stopped, without a log-in; empty if they can't be, or it is nobody's mail."""
    if user_id is None or topic not in FIELDS:
        return ""
    token = signing.dumps([user_id, topic], salt=_SALT)
    return settings.SITE_URL + reverse("mail_stop", args=[token])


def read(token: str) -> tuple[int, Topic] | None:
    """Whom and what a link's token names; None if it is not one of ours."""
    try:
        user_id, topic = signing.loads(token, salt=_SALT)
        return int(user_id), Topic(topic)
    except (signing.BadSignature, ValueError, TypeError):
        return None


def choose(user_id: int, **chosen: Any) -> None:
    """Writes down what she wants: names of Profile's fields."""
    Profile.objects.update_or_create(user_id=user_id, defaults=chosen)


def stop(user_id: int, topic: Topic) -> None:
    """No more mails of this kind."""
    choose(user_id, **{FIELDS[topic]: False})
