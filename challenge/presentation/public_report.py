"""All that the public report of a submission shows. No log, file, seed or history is among it, and
before the reveal no private score."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import AnonymousUser, User

from challenge import entrants, permissions
from challenge.models import Attempt, BoardRow, Kind, Standing, Submission
from challenge.presentation import limits_text, report, units
from challenge.results import PER_IMAGE

_HOST_FACTS = {
    "processor": "Processor",
    "architecture": "Architecture",
    "cores": "Cores of the host",
    "cores_used": "Cores given",
    "memory_bytes": "Memory of the host",
    "system": "System",
    "runtime": "Container runtime",
}
"""Of what an attempt says of its host. Names of hosts, and what would help an attack on them, are ours."""


@dataclasses.dataclass(frozen=True, slots=True)
class OnBoard:
    """A board that the submission is on. `rank` is of the one that is shown unasked, else None."""

    standing: Standing
    rank: int | None


def context(user: User | AnonymousUser, submission: Submission) -> dict[str, Any]:
    """Names for report.html. `submission` comes with phase, challenge, team, score and the score's attempt."""
    phase, score = submission.phase, submission.score
    assert score is not None  # It is on a board.
    attempt = score.attempt
    return {
        "submission": submission,
        "phase": phase,
        "challenge": phase.challenge,
        "standings": _standings(user, submission),
        "attempt": attempt,
        "limits": limits_text.sentence(attempt.limits),
        "is_run": Kind(submission.kind).runs,
        "other_limits": attempt.limits != phase.limits,
        "host": host_facts(attempt.host),
        "declared": report.declared(submission),
        "is_mine": permissions.can_see_submission(user, submission),
        **report.figures_of(submission, _without_images(attempt) if phase.hidden_data else attempt, score),
        **(
            {} if Kind(submission.kind).runs else {"usage": []}
        ),  # Of a zip its size alone, which is nobody else's business.
    }


def _without_images(attempt: Attempt) -> Attempt:
    """The phase may have hidden its data only after this was measured."""
    shown = Attempt(limits_data=attempt.limits_data, images_total=attempt.images_total)
    shown.measurements = {name: value for name, value in attempt.measurements.items() if name not in PER_IMAGE}
    return shown


def _standings(user: User | AnonymousUser, submission: Submission) -> list[OnBoard]:
    allowed = permissions.standings_for(user, submission.phase)
    rows: dict[str, BoardRow] = {row.standing: row for row in submission.board_rows.filter(standing__in=allowed)}
    found = []
    for standing in allowed:
        row = rows.get(standing)
        if row is not None:
            row.phase = submission.phase
            found.append(OnBoard(standing, entrants.place_of(row).rank if standing == allowed[0] else None))
    return found


def host_facts(host: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the public may know of the machine."""
    facts = []
    for name, label in _HOST_FACTS.items():
        value = host.get(name)
        if value:
            facts.append((label, units.size(value) if name == "memory_bytes" else str(value)[:80]))
    return facts
