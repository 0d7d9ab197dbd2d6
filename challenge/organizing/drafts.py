"""From an idea to a public challenge: draft, review by staff, live.

draft ─► review ─► live
  ▲         │        │
  └─────────┴────────┘   withdrawn by an organizer, sent back or taken down by staff
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from challenge import audit, mails, permissions
from challenge.models import Challenge, Phase, Stage
from challenge.organizing import acts, offers, pictures, texts
from challenge.organizing.acts import Refused

MOST_DRAFTS = 5
"""Drafts and challenges under review that one person has made."""

RESERVED_ADDRESSES = frozenset({"new", "manage", "import", "mine"})
"""Addresses under /challenges/ that the site uses itself."""


def why_not_create(user: User) -> str:
    """A sentence if this person can't begin a challenge now; else empty."""
    if not permissions.has_confirmed_address(user):
        return permissions.NOT_CONFIRMED
    if own_drafts(user) >= MOST_DRAFTS:
        return (
            f"You have {MOST_DRAFTS} challenges that are not public yet, and that is the limit. Have one reviewed, or "
            "delete one."
        )
    return ""


def own_drafts(user: User) -> int:
    """How many challenges she has made that are not public."""
    return Challenge.objects.filter(created_by=user).exclude(stage=Stage.LIVE).count()


def create(user: User, *, title: str, slug: str, summary: str = "") -> Challenge:
    """A draft that its maker alone sees, and organizes.

    Raises:
        Refused: too many drafts, or an address that is taken.
    """
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        if refusal := why_not_create(user):
            raise Refused(refusal)
        challenge = Challenge(title=title, slug=slug, summary=summary, created_by=user)
        _check_address(challenge)
        try:
            challenge.full_clean()
        except ValidationError as error:
            name, problems = next(iter(error.message_dict.items()))
            raise Refused(problems[0], field=name if name != "__all__" else "") from None
        challenge.save()
        challenge.organizers.add(user)
        audit.note(challenge, user, "stage", f"Began the challenge {title}", slug=slug)
    return challenge


def _check_address(challenge: Challenge) -> None:
    if challenge.slug in RESERVED_ADDRESSES:
        raise Refused(f"“{challenge.slug}” is an address that the site uses itself. Choose another.", field="slug")
    if Challenge.objects.filter(slug=challenge.slug).exclude(pk=challenge.pk).exists():
        raise Refused(f"Another challenge has the address “{challenge.slug}”. Choose another.", field="slug")


def why_not_delete(challenge: Challenge) -> str:
    """A sentence if it can't be deleted; else empty."""
    if challenge.stage != Stage.DRAFT:
        return "Only a draft can be deleted. A public challenge stays, for those who took part."
    if challenge.teams.exclude(submissions=None).exists():
        return "There are submissions to it, which are never deleted."
    return ""


def delete(challenge: Challenge, by: User) -> None:
    """Removes a draft that nobody has submitted to, with its pages, pictures and phases.

    Raises:
        Refused: it is public or under review, or has submissions.
    """
    with transaction.atomic():
        locked = Challenge.objects.select_for_update().get(pk=challenge.pk)
        if refusal := why_not_delete(locked):
            raise Refused(refusal)
        audit.note(locked, by, "stage", f"Deleted the draft {locked.title}", slug=locked.slug)
        for picture in locked.pictures.all():
            pictures.forget_file(picture)
        locked.delete()


# Review


@dataclasses.dataclass(frozen=True, slots=True)
class Missing:
    """What a challenge lacks before it can be reviewed.

    Attributes:
        where: `texts`, `phases`, `phase` or `limits`: which page mends it.
    """

    sentence: str
    where: str
    phase: Phase | None = None


def missing(challenge: Challenge) -> list[Missing]:
    """All that is still to be done before staff are asked; empty: ready."""
    return list(_missing(challenge))


def _missing(challenge: Challenge) -> Iterator[Missing]:
    if not challenge.summary.strip():
        yield Missing("A summary: one sentence for the list of challenges.", "texts")
    if not challenge.description.strip():
        yield Missing("A description: what the task is, and by which rules.", "texts")
    if not challenge.licence.strip():
        yield Missing("The licence of the data: what participants may do with it.", "texts")
    phases = list(challenge.phases.select_related("dataset"))
    if not phases:
        yield Missing("A phase: data, dates, limits and quotas.", "phases")
    elif all(phase.closes <= timezone.now() for phase in phases):
        yield Missing("A phase that has not closed yet: all of them lie in the past.", "phases")
    for phase in phases:
        yield from _missing_in(phase)


def _missing_in(phase: Phase) -> Iterator[Missing]:
    try:
        limits = phase.limits
    except (TypeError, ValueError) as error:
        yield Missing(f"Limits of {phase.title} that can be read: {error}.", "limits", phase)
        return
    for _, problem in offers.HostOffer.of(phase.queue).problems(limits, phase):
        yield Missing(f"Limits of {phase.title} that a host can give: {problem}", "limits", phase)


def ask_for_review(challenge: Challenge, by: User) -> None:
    """Hands a draft to staff.

    Raises:
        Refused: it is no draft, or something is missing.
    """
    with transaction.atomic():
        locked = _in_stage(challenge, Stage.DRAFT)
        if lacks := missing(locked):
            raise Refused(f"Not yet: {lacks[0].sentence}")
        _move(locked, Stage.REVIEW, review_note="", review_asked_at=timezone.now())
        audit.note(locked, by, "stage", "Asked staff for a review")
        mails.review_asked(locked, by)
    challenge.refresh_from_db()


def withdraw(challenge: Challenge, by: User) -> None:
    """Back to a draft, before staff have answered. Raises Refused if it is not under review."""
    with transaction.atomic():
        locked = _in_stage(challenge, Stage.REVIEW)
        _move(locked, Stage.DRAFT, review_asked_at=None)
        audit.note(locked, by, "stage", "Withdrew it from review")
    challenge.refresh_from_db()


def approve(challenge: Challenge, by: User) -> None:
    """Staff let it go public. Raises Refused if it is not under review, or something is missing by now."""
    with transaction.atomic():
        locked = _in_stage(challenge, Stage.REVIEW)
        if lacks := missing(locked):
            raise Refused(f"Something is missing by now: {lacks[0].sentence} Send it back with a note.")
        _move(locked, Stage.LIVE, review_note="", review_asked_at=None)
        audit.note(locked, by, "stage", "Approved it: it is public")
        mails.reviewed(locked)
    challenge.refresh_from_db()


def send_back(challenge: Challenge, by: User, note: str) -> None:
    """Staff want something changed first. Raises Refused if it is not under review, or without a note."""
    with transaction.atomic():
        locked = _in_stage(challenge, Stage.REVIEW)
        _move(locked, Stage.DRAFT, review_note=_reason(note), review_asked_at=None)
        audit.note(locked, by, "stage", "Sent it back with a note", note=note)
        mails.reviewed(locked)
    challenge.refresh_from_db()


def take_down(challenge: Challenge, by: User, note: str) -> None:
    """Staff take a public challenge off the site. Nothing is lost: approved again, it is as it was.

    Raises:
        Refused: it is not public, or there is no reason.
    """
    with transaction.atomic():
        locked = _in_stage(challenge, Stage.LIVE)
        _move(locked, Stage.DRAFT, review_note=_reason(note))
        audit.note(locked, by, "stage", "Took it off the site", note=note)
    challenge.refresh_from_db()


def _reason(note: str) -> str:
    if not note.strip():
        raise Refused("Say why: the organizers read it.", field="note")
    if len(note) > texts.MOST_CHARACTERS:
        raise Refused(f"The note has more than {texts.MOST_CHARACTERS:,} characters.", field="note")
    return note.strip()


def _in_stage(challenge: Challenge, stage: Stage) -> Challenge:
    """The challenge, locked, if it stands there still."""
    locked = Challenge.objects.select_for_update().get(pk=challenge.pk)
    if locked.stage != stage:
        raise Refused(
            f"This challenge is not in the stage “{stage.label}” any more: it is “{Stage(locked.stage).label}”."
        )
    return locked


def _move(challenge: Challenge, stage: Stage, **changes: object) -> None:
    for name, value in {"stage": stage, **changes}.items():
        setattr(challenge, name, value)
    challenge.save(update_fields=["stage", *changes])


def edit_address(challenge: Challenge, by: User, slug: str, seen: str = "") -> bool:
    """Another address for a draft; False: it has it already. Raises Refused, acts.Stale."""
    if challenge.stage != Stage.DRAFT and slug != challenge.slug:
        raise Refused(
            "The address is fixed once the challenge has been sent for review: links to it must work.", "slug"
        )

    def check(record: Challenge, changed: dict[str, list[object]]) -> None:
        _check_address(record)
        record.clean_fields(exclude={field.name for field in record._meta.fields} - {"slug"})

    changed = acts.edit(
        challenge, {"slug": slug}, challenge=challenge, by=by, act="texts", what="Changed the address", seen=seen,
        check=check,
    )  # fmt: skip
    return bool(changed)
