"""What may be ranked, and which of it is which standing's: reads and pure rules."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Iterator

from django.db.models import QuerySet

from challenge.models import Phase, Standing, Submission


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """A scored submission. `private` is None in a phase without a private part."""

    id: uuid.UUID
    team: int
    created: dt.datetime
    is_chosen: bool
    public: float
    private: float | None


def choose(entries: Collection[Entry], frozen_since: dt.datetime | None, has_split: bool) -> dict[Standing, Entry]:
    """Which of one team's entries is which standing's. Of equal scores the earlier submission.

    Args:
        frozen_since: what was sent later is only in the final standing; None while nothing is frozen.
        has_split: the final standing is ranked by the private score, and takes only what has one.
    """
    found = {}
    public = [entry for entry in entries if frozen_since is None or entry.created < frozen_since]
    if public:
        found[Standing.BEST] = min(public, key=_better)
        found[Standing.LATEST] = max(public, key=lambda entry: (entry.created, entry.id))
    eligible = [entry for entry in entries if not has_split or entry.private is not None]
    if eligible:
        found[Standing.FINAL] = min([entry for entry in eligible if entry.is_chosen] or eligible, key=_better)
    return found


def _better(entry: Entry) -> tuple[float, dt.datetime, uuid.UUID]:
    return (-entry.public, entry.created, entry.id)


def staircase(entries: Iterable[Entry]) -> list[Entry]:
    """Those that were better than all before them when they came, first to last."""
    steps: list[Entry] = []
    for entry in sorted(entries, key=lambda entry: (entry.created, entry.id)):
        if not steps or entry.public > steps[-1].public:
            steps.append(entry)
    return steps


def frozen_since(phase: Phase) -> dt.datetime | None:
    """What was sent from then on is not public yet; None while nothing is frozen."""
    return phase.freezes if phase.is_frozen else None


def ranked(phase: Phase) -> QuerySet[Submission]:
    """The submissions that may be ranked: they have a score, and neither they nor their teams are disqualified."""
    return Submission.objects.filter(
        phase=phase, score__isnull=False, disqualified_at__isnull=True, team__disqualified_at__isnull=True
    )


def entries(submissions: QuerySet[Submission]) -> Iterator[Entry]:
    """The same as entries."""
    names = ("pk", "team_id", "created", "is_chosen", "score__miou", "score__private_miou")
    return (Entry(*values) for values in submissions.values_list(*names).iterator())
