"""Tables that organizers take away, row by row: submissions with public scores, who takes part, the audit trail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from challenge.models import Challenge, Submission

MOST_ROWS = 100_000

Row = dict[str, Any]


def _submissions(challenge: Challenge) -> Iterator[Row]:
    found = Submission.objects.filter(phase__challenge=challenge).select_related("phase", "team", "score__attempt")
    for one in found.order_by("created", "pk")[:MOST_ROWS].iterator(chunk_size=500):
        score = one.score
        yield {
            "id": str(one.pk),
            "phase": one.phase.slug,
            "team": one.team.name,
            "kind": one.kind,
            "title": one.title,
            "state": one.state,
            "sent": one.created.isoformat(timespec="seconds"),
            "miou": score.miou if score else None,
            "miou_low": score.miou_low if score else None,
            "miou_high": score.miou_high if score else None,
            "latency_median_seconds": score.latency_median_seconds if score else None,
            "latency_p90_seconds": score.latency_p90_seconds if score else None,
            "cpu_seconds": score.cpu_seconds if score else None,
            "memory_peak_bytes": score.memory_peak_bytes if score else None,
            "parameters": one.parameters,
            "disqualified": one.disqualified_why if one.disqualified_at else None,
        }


def _teams(challenge: Challenge) -> Iterator[Row]:
    found = challenge.memberships.select_related("team", "user").order_by("team__name", "pk")[:MOST_ROWS]
    for one in found.iterator(chunk_size=500):
        yield {
            "team": one.team.name,
            "user": one.user.get_username(),
            "mail": one.user.email,
            "role": one.role,
            "joined": one.joined.isoformat(timespec="seconds"),
        }


def _audit(challenge: Challenge) -> Iterator[Row]:
    for one in challenge.audit.order_by("id")[:MOST_ROWS].iterator(chunk_size=500):
        yield {"at": one.at.isoformat(timespec="seconds"), "who": one.actor, "act": one.act, "what": one.what}


TABLES: dict[str, tuple[list[str], Callable[[Challenge], Iterator[Row]]]] = {
    "submissions": (
        [
            "id", "phase", "team", "kind", "title", "state", "sent", "miou", "miou_low", "miou_high",
            "latency_median_seconds", "latency_p90_seconds", "cpu_seconds", "memory_peak_bytes", "parameters",
            "disqualified",
        ],
        _submissions,
    ),
    "teams": (["team", "user", "mail", "role", "joined"], _teams),
    "audit": (["at", "who", "act", "what"], _audit),
}  # fmt: skip
