"""The texts of a challenge and its pages."""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max

from challenge import audit
from challenge.models import Challenge, Page
from challenge.organizing import acts
from challenge.organizing.acts import Refused

MOST_CHARACTERS = 50_000
"""Of one text in Markdown: some twenty pages of print."""

MOST_PAGES = 20

TEXTS = ("title", "summary", "description", "data_notes", "licence", "licence_url")
RULES = ("time_zone", "largest_team", "teams_close")
"""Fields of a challenge that its organizers edit."""

PAGE = ("title", "slug", "body")


def edit_texts(challenge: Challenge, by: User, values: Mapping[str, Any], seen: str = "") -> dict[str, list[Any]]:
    """Changes some of TEXTS and RULES; returns what changed.

    Raises:
        Refused: a value that can't be.
        acts.Stale: somebody else has changed them since.
    """
    zone = values.get("time_zone")
    if zone is not None and zone not in zoneinfo.available_timezones():
        raise Refused(f"“{zone}” is no time zone. Write one like Europe/Berlin or UTC.", field="time_zone")
    return acts.edit(
        challenge, values, challenge=challenge, by=by, act="texts", what="Edited the challenge", seen=seen,
        check=_check,
    )  # fmt: skip


def _check(record: Any, changed: Mapping[str, Any]) -> None:
    """What the model says of its fields: lengths, addresses, bounds. Markdown has a length of its own."""
    _check_fields(record, changed)
    for name in {"description", "data_notes", "body"} & set(changed):
        count = len(getattr(record, name))
        if count > MOST_CHARACTERS:
            raise Refused(
                f"The text has {count:,} characters, and {MOST_CHARACTERS:,} is the most. Move some of it to a page "
                "of its own.",
                field=name,
            )


def _check_fields(record: Any, changed: Mapping[str, Any]) -> None:
    others = {field.name for field in record._meta.fields} - set(changed)
    try:
        record.clean_fields(exclude=others)
    except ValidationError as error:
        name, problems = next(iter(error.message_dict.items()))
        raise Refused(problems[0], field=name) from None


# Pages


def add_page(challenge: Challenge, by: User, *, title: str, slug: str, body: str = "") -> Page:
    """A new page, behind the others.

    Raises:
        Refused: a value that can't be, an address that is taken, or too many pages.
    """
    with transaction.atomic():
        Challenge.objects.select_for_update().get(pk=challenge.pk)
        pages = Page.objects.filter(challenge=challenge)
        if pages.count() >= MOST_PAGES:
            raise Refused(f"A challenge has at most {MOST_PAGES} pages. Delete one, or join two.")
        last = pages.aggregate(last=Max("position"))["last"]
        page = Page(challenge=challenge, title=title, slug=slug, body=body, position=0 if last is None else last + 1)
        _check(page, dict.fromkeys(PAGE))
        _check_address(page, {"slug": [None, slug]})
        page.save()
        audit.note(challenge, by, "pages", f"Added the page {title}", record=acts.name_of(page), slug=slug)
    return page


def edit_page(page: Page, by: User, values: Mapping[str, Any], seen: str = "") -> dict[str, list[Any]]:
    """Changes some of PAGE; returns what changed. Raises like `edit_texts`."""

    def check(record: Page, changed: dict[str, list[Any]]) -> None:
        _check(record, changed)
        _check_address(record, changed)

    return acts.edit(
        page, values, challenge=page.challenge, by=by, act="pages", what=f"Edited the page {page.title}", seen=seen,
        check=check,
    )  # fmt: skip


def _check_address(page: Page, changed: Mapping[str, Any]) -> None:
    others = Page.objects.filter(challenge=page.challenge_id, slug=page.slug).exclude(pk=page.pk)
    if "slug" in changed and others.exists():
        raise Refused(f"Another page of this challenge has the address “{page.slug}”.", field="slug")


def delete_page(page: Page, by: User) -> None:
    """Removes it; the audit trail keeps the start of its text."""
    with transaction.atomic():
        audit.note(
            page.challenge, by, "pages", f"Deleted the page {page.title}", record=acts.name_of(page), slug=page.slug,
            body=page.body,
        )  # fmt: skip
        page.delete()


def move_page(page: Page, by: User, *, up: bool) -> bool:
    """One place up or down. False: it stands there already."""
    return acts.move_by_one(page, Page.objects.filter(challenge=page.challenge), page.challenge, by, "pages", up=up)
