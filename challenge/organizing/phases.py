"""The phases of a challenge: what can be set, what is fixed once scores depend on it, and in which order."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Max, Q
from django.utils import timezone

from challenge import audit, permissions
from challenge.models import Challenge, Kind, Phase, State, Submission
from challenge.organizing import acts, offers
from challenge.organizing.acts import Refused
from sandbox import Limits

MOST_PHASES = 20

LATEST = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
"""Later dates are slips of the keyboard."""

MOST_QUOTA = 100_000

SETTINGS = (
    "title", "slug", "opens", "closes", "kinds", "contract", "dataset", "hidden_data", "keep_predictions",
    "quota_per_day", "quota_total", "quota_at_once", "columns", "public_share", "freezes", "queue",
)  # fmt: skip
"""Fields of a phase that its organizers edit; limits have an act of their own."""

RESERVED_ADDRESSES = frozenset({
    "manage", "pages", "pictures", "teams", "team", "announcements", "news", "submissions", "new", "join", "edit",
    "kit", "reports", "history", "export",
})  # fmt: skip
"""Second parts of addresses that the site uses itself."""


def locked(phase: Phase) -> dict[str, str]:
    """What can't be changed any more, with the reason."""
    if phase.pk is None:
        return {}
    found = {}
    there = Submission.objects.filter(phase=phase).aggregate(
        count=Count("pk", distinct=True), scores=Count("attempts__score")
    )
    count = there["count"]
    if count:
        ran = f"{count} submission{'s' if count > 1 else ''} came to this phase already"
        found["dataset"] = f"{ran}: scores on other images would not compare. Make a new phase for other data."
        found["contract"] = f"{ran}, made for this contract. Make a new phase for another one."
        found["slug"] = f"{ran}: links to it must go on working."
    elif phase.challenge.is_public:
        found["slug"] = "The challenge is public: links to this phase must go on working."
    if phase.revealed_at is not None:
        found["freezes"] = found["public_share"] = "The final standing has been revealed."
    elif there["scores"]:
        found["public_share"] = (
            "Scores have been computed under this split. With another one, the difference would tell about private "
            "images. Make a new phase for another split."
        )
    return found


def check(phase: Phase, by: User, changed: Mapping[str, Any]) -> None:
    """Raises Refused for settings that can't be; `changed` names those to be looked at."""
    _check_locks(phase, changed)
    others = {field.name for field in phase._meta.fields} - set(changed)
    try:
        phase.clean_fields(exclude=others | {"dataset"})
    except ValidationError as error:
        name, problems = next(iter(error.message_dict.items()))
        raise Refused(problems[0], field=name) from None
    _check_address(phase)
    _check_dates(phase)
    _check_kinds(phase)
    for name in ("quota_per_day", "quota_total", "quota_at_once"):
        if not 1 <= getattr(phase, name) <= MOST_QUOTA:
            raise Refused(f"A quota lies between 1 and {MOST_QUOTA:,}.", field=name)
    if "dataset" in changed and not permissions.usable_datasets(by, phase.challenge).filter(pk=phase.dataset_id):
        raise Refused("This challenge may not use that data set. Staff can grant it.", field="dataset")
    if "queue" in changed and phase.queue not in (known := offers.known_queues()):
        raise Refused(f"No evaluation host serves the queue “{phase.queue}”. There is {', '.join(known)}.", "queue")


def _check_locks(phase: Phase, changed: Mapping[str, Any]) -> None:
    if phase.pk is None:
        return
    for name, reason in locked(phase).items():
        if name in changed:
            raise Refused(f"This can't be changed any more. {reason}", field=name)


def _check_address(phase: Phase) -> None:
    if phase.slug in RESERVED_ADDRESSES:
        raise Refused(f"“{phase.slug}” is an address that the site uses itself. Choose another.", field="slug")
    others = Phase.objects.filter(challenge=phase.challenge_id, slug=phase.slug).exclude(pk=phase.pk)
    if others.exists():
        raise Refused(f"Another phase of this challenge has the address “{phase.slug}”.", field="slug")


def _check_dates(phase: Phase) -> None:
    if phase.closes <= phase.opens:
        raise Refused("The phase must close after it opens.", field="closes")
    if phase.closes > LATEST:
        raise Refused("That is after the year 2100. Is it a slip?", field="closes")
    if phase.freezes is not None and not phase.opens < phase.freezes <= phase.closes:
        raise Refused(
            "The board freezes while the phase is open: after it opens, and at the latest when it closes.",
            field="freezes",
        )


def _check_kinds(phase: Phase) -> None:
    if not phase.kinds:
        raise Refused("Take at least one kind of submission.", field="kinds")
    if unknown := set(phase.kinds) - set(Kind.values):
        raise Refused(f"There is no kind {min(unknown)!r}. There is {', '.join(Kind.values)}.", field="kinds")


def add(challenge: Challenge, by: User, values: Mapping[str, Any], limits: Limits | None = None) -> Phase:
    """A new phase, behind the others.

    Args:
        values: some of SETTINGS; title, slug, opens, closes and dataset must be among them.
        limits: None: those a new phase has.

    Raises:
        Refused: a value that can't be, limits that no host can give, or too many phases.
    """
    with transaction.atomic():
        Challenge.objects.select_for_update().get(pk=challenge.pk)
        others = Phase.objects.filter(challenge=challenge)
        if others.count() >= MOST_PHASES:
            raise Refused(f"A challenge has at most {MOST_PHASES} phases.")
        last = others.aggregate(last=Max("position"))["last"]
        phase = Phase(challenge=challenge, position=0 if last is None else last + 1, **values)
        check(phase, by, dict.fromkeys(values))
        if limits is not None:
            _check_limits(phase, limits)
            phase.limits_data = limits.as_dict()
        phase.save()
        audit.note(
            challenge, by, "phases", f"Added the phase {phase.title}", record=acts.name_of(phase),
            settings=acts.values_of(phase, SETTINGS), limits=phase.limits_data,
        )  # fmt: skip
    return phase


def edit(phase: Phase, by: User, values: Mapping[str, Any], seen: str = "") -> dict[str, list[Any]]:
    """Changes some of SETTINGS; returns what changed.

    Raises:
        Refused: a value that can't be, or can't be changed any more.
        acts.Stale: somebody else has changed the phase since.
    """
    return acts.edit(
        phase, values, challenge=phase.challenge, by=by, act="phases", what=f"Edited the phase {phase.title}",
        seen=seen, seen_fields=SETTINGS, check=lambda now, changed: check(now, by, changed),
    )  # fmt: skip


def set_limits(phase: Phase, by: User, limits: Limits, seen: str = "") -> dict[str, list[Any]]:
    """New limits, for attempts that begin from now on; returns what changed.

    Raises:
        Refused: no host can give them.
        acts.Stale: somebody else has changed them since.
    """
    with transaction.atomic():
        now = Phase.objects.select_for_update().get(pk=phase.pk)
        acts.check_fresh(now, phase.challenge, seen, now.limits_data)
        changed = audit.changes(now.limits_data, limits.as_dict())
        if changed:
            _check_limits(now, limits)
            now.limits_data = limits.as_dict()
            now.save(update_fields=["limits_data"])
            audit.note(
                phase.challenge, by, "limits", f"Changed limits of the phase {phase.title}: {', '.join(changed)}",
                record=acts.name_of(phase), changes=changed,
            )  # fmt: skip
    phase.limits_data = limits.as_dict()
    return changed


def _check_limits(phase: Phase, limits: Limits) -> None:
    for name, problem in offers.HostOffer.of(phase.queue).problems(limits, phase):
        raise Refused(problem, field=name)


def move(phase: Phase, by: User, *, up: bool) -> bool:
    """One place up or down among the phases. False: it stands there already."""
    return acts.move_by_one(
        phase, Phase.objects.filter(challenge=phase.challenge), phase.challenge, by, "phases", up=up
    )


def delete(phase: Phase, by: User) -> None:
    """Removes a phase that nobody has submitted to.

    Raises:
        Refused: it has submissions, or is the only one of a public challenge.
    """
    with transaction.atomic():
        challenge = Challenge.objects.select_for_update().get(pk=phase.challenge_id)
        locked_phase = Phase.objects.select_for_update().get(pk=phase.pk)
        if locked_phase.submissions.exists():
            raise Refused("There are submissions to this phase; they are never deleted. Close it instead.")
        if challenge.is_public and challenge.phases.count() == 1:
            raise Refused("This is the only phase of a public challenge. Add another one first.")
        audit.note(
            challenge, by, "phases", f"Deleted the phase {phase.title}", record=acts.name_of(phase),
            settings=acts.values_of(phase, SETTINGS), limits=phase.limits_data,
        )  # fmt: skip
        locked_phase.delete()


@dataclasses.dataclass(frozen=True, slots=True)
class Consequences:
    """What an organizer should know of a phase as it is set now.

    Attributes:
        waiting: submissions that wait or run; they are evaluated whatever the dates say.
        late: submissions that came after the closing date as it is now, and count nevertheless.
        uploading: uploads under way.
        other_limits: submissions whose score comes from a run under other limits.
    """

    waiting: int
    late: int
    uploading: int
    other_limits: int


def consequences(phase: Phase) -> Consequences:
    """Counts them."""
    counts = Submission.objects.filter(phase=phase).aggregate(
        waiting=Count("pk", filter=Q(state__in=(State.QUEUED, State.EVALUATING))),
        late=Count(
            "pk",
            filter=Q(created__gte=phase.closes, team__is_baseline=False)
            & ~Q(state__in=(State.CANCELLED, State.UPLOADING)),
        ),
        uploading=Count("pk", filter=Q(state=State.UPLOADING)),
    )
    return Consequences(**counts, other_limits=ran_under_others(phase).count())


def ran_under_others(phase: Phase) -> Any:
    """Submissions whose score comes from a run under other limits than the phase's are now."""
    scored = Submission.objects.filter(phase=phase, score__isnull=False)
    return scored.exclude(score__attempt__limits_data=phase.limits_data)


def is_past(phase: Phase) -> bool:
    """True once it has closed."""
    return phase.closes <= timezone.now()
