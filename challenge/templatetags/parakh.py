"""Filters and small parts for the templates. Numbers and times read the same on every page because they pass here."""

from __future__ import annotations

import datetime as dt
from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from django import template
from django.contrib.auth.models import AnonymousUser, User
from django.db import DatabaseError
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from challenge import markdown as markdown_text
from challenge import ways
from challenge.leaderboard import Row
from challenge.models import Announcement, Challenge, Score, State, Submission
from challenge.presentation import axes, units
from evaluator.metrics import CLASS_NAMES
from sandbox import Code

register = template.Library()

MOST_PAGES = 20
"""That the tabs of a challenge show."""

register.filter("size", units.size)
register.filter("seconds", units.seconds)
register.filter("percent", units.percent)
register.filter("count", units.count)
register.filter("visible_controls", units.visible_controls)


@register.filter
def web_address(text: str) -> str:
    """An address to link to; empty for what a browser would run or send mail to, however it came into the record."""
    return text if text.startswith(("http://", "https://")) else ""


@register.filter
def measured(value: float | None, measure: axes.Measure) -> str:
    """A figure in the words of its measure: a time, a size or a number."""
    if measure.unit == "ms":
        return units.seconds(value)
    return units.size(value) if measure.unit == "MiB" else units.count(value)


@register.filter
def half_width(row: Row) -> str:
    """Of a row's interval, in percent. It is not quite even about the score: the report has its two ends."""
    if row.miou_low is None or row.miou_high is None:
        return units.NOTHING
    return units.percent((row.miou_high - row.miou_low) / 2, 1)


@register.filter
def class_ious(score: Score) -> list[float | None]:
    """IoU of each class, in the order of the label values."""
    return [score.iou.get(name) for name in CLASS_NAMES]


@register.filter
def markdown(text: str, top: int = 2) -> SafeString:
    """An organizer's text as safe HTML; its highest heading is an h`top`."""
    return markdown_text.render(text, top)


@register.simple_tag
def lacks_second_factor(user: User | AnonymousUser) -> bool:
    """True for staff who log in with a password alone."""
    return bool(user.is_authenticated and user.is_staff and not is_mfa_enabled(user))


@register.simple_tag
def prose(text: str, images: tuple[markdown_text.Image, ...] = (), top: int = 2) -> SafeString:
    """The same with pictures of the challenge: `images` of presentation/pictures.py."""
    return markdown_text.render(text, top, images)


@register.simple_tag(takes_context=True)
def ways_from(context: dict[str, Any]) -> list[ways.Way]:
    """Where one probably wanted to go. Nothing is worth a second error on a page of errors."""
    request = context["request"]
    try:
        return ways.from_address(request.user, request.path)
    except DatabaseError:
        return []


@register.simple_tag
def tabs_of(challenge: Challenge) -> dict[str, Any]:
    """What the tabs of a challenge depend on: its further pages, and whether there are news."""
    rows = (
        Challenge.objects.filter(pk=challenge.pk)
        .annotate(has_news=Exists(Announcement.objects.filter(challenge=OuterRef("pk"))))
        .order_by("pages__position", "pages__id")
        .values_list("has_news", "pages__slug", "pages__title")[:MOST_PAGES]
    )
    found = list(rows)  # One query: each page of a challenge asks it.
    return {
        "pages": [{"slug": slug, "title": title} for _, slug, title in found if slug is not None],
        "has_news": any(has_news for has_news, _, _ in found),
    }


@register.filter
def when(moment: dt.datetime | None) -> SafeString | str:
    """A date and time in UTC, with the machine-readable form."""
    if moment is None:
        return units.NOTHING
    utc = moment.astimezone(dt.UTC)
    return format_html(
        '<time datetime="{}" class="nowrap">{}</time>', utc.isoformat(timespec="seconds"), f"{utc:%-d %b %Y, %H:%M} UTC"
    )


@register.filter
def utc(moment: dt.datetime) -> str:
    """A date and time in UTC, as plain text: for mails."""
    return f"{moment.astimezone(dt.UTC):%-d %b %Y, %H:%M} UTC"


@register.filter
def when_in(moment: dt.datetime | None, challenge: Challenge) -> SafeString | str:
    """A date and time in UTC and, in words below, where the organizers are."""
    if moment is None:
        return units.NOTHING
    there = moment.astimezone(challenge.zone)
    if not there.utcoffset():
        return when(moment)
    place = challenge.time_zone.rpartition("/")[2].replace("_", " ")
    day_there = "" if there.date() == moment.astimezone(dt.UTC).date() else f"{there:%-d %b}, "
    return format_html(
        '{} <span class="there" title="{}">{}</span>',
        when(moment),
        challenge.time_zone,
        f"{day_there}{there:%H:%M} in {place}",
    )


@register.filter
def day(moment: dt.datetime | None) -> SafeString | str:
    """The date alone; the time is in the tooltip."""
    if moment is None:
        return units.NOTHING
    utc = moment.astimezone(dt.UTC)
    return format_html(
        '<time datetime="{}" title="{}" class="nowrap">{}</time>',
        utc.isoformat(timespec="seconds"),
        f"{utc:%-d %b %Y, %H:%M} UTC",
        f"{utc:%-d %b %Y}",
    )


@register.filter
def away(moment: dt.datetime) -> str:
    """How far from now, in its largest unit: `in 3 days`, `2 hours ago`."""
    delta = (moment - timezone.now()).total_seconds()
    distance = abs(delta)
    for name, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if distance >= length:
            number = int(distance // length)
            text = f"{number} {name}{'' if number == 1 else 's'}"
            break
    else:
        text = "less than a minute"
    return f"in {text}" if delta > 0 else f"{text} ago"


_STATE_WORDS: dict[str, tuple[str, str]] = {
    State.UPLOADING: ("Uploading", ""),
    State.QUEUED: ("Queued", ""),
    State.EVALUATING: ("Evaluating", "live"),
    State.FINISHED: ("Finished", "good"),
    State.FAILED: ("Failed", "bad"),
    State.CANCELLED: ("Cancelled", ""),
}


@register.inclusion_tag("parts/pill.html")
def state_pill(submission: Submission, verdict: str = "") -> dict[str, str]:
    """The state in a word; of a final submission its verdict, where the caller knows it."""
    word, tone = _STATE_WORDS[submission.state]
    if verdict and submission.state in (State.FINISHED, State.FAILED):
        word, tone = verdict, verdict_tone(verdict)
    return {"word": word, "tone": tone}


@register.filter
def verdict_tone(code: str) -> str:
    """CSS class of a verdict: `good`, `ours` for platform faults, `bad` for the rest."""
    if not code:
        return ""
    verdict = Code(code)
    if verdict is Code.OK:
        return "good"
    if verdict is Code.CANCELLED:
        return ""
    return "ours" if verdict.is_platform else "bad"


_VERDICT_TITLES = {
    Code.HOST_FAULT: "The host failed",
    Code.ENGINE_FAULT: "The engine failed",
    Code.DISK_FAULT: "Our disk failed",
    Code.WORKER_LOST: "Our worker was lost",
    Code.SCORER_FAULT: "Our scorer failed",
    Code.NOISE: "The host was too busy",
    Code.IMAGE_REJECTED: "Upload not accepted",
    Code.START_TIMEOUT: "Not ready in time",
    Code.MEMORY_LIMIT: "Out of memory",
    Code.PIDS_LIMIT: "Too many processes",
    Code.DISK_LIMIT: "Scratch space full",
    Code.TIME_LIMIT: "Out of time",
    Code.IMAGE_TIME_LIMIT: "One image took too long",
    Code.CPU_LIMIT: "Out of CPU time",
    Code.LOG_LIMIT: "Log too long",
    Code.OUTPUT_LIMIT: "Output too large",
    Code.RUNTIME_ERROR: "The program failed",
    Code.KILLED: "The program crashed",
    Code.NO_OUTPUT: "Answers are missing",
    Code.BAD_OUTPUT: "An answer is not a label map",
    Code.PROTOCOL: "Broke the contract",
    Code.CANCELLED: "Cancelled",
    Code.OK: "Evaluated",
}


@register.filter
def verdict_title(code: str) -> str:
    """A verdict in two or three words; the code itself is shown beside it."""
    return _VERDICT_TITLES[Code(code)]
