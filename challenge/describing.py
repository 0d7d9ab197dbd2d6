"""What a team says of its submission may be put right later: facts about it, never the file or a figure we measured."""

from __future__ import annotations

import dataclasses

from django.contrib.auth.models import User
from django.db import transaction

from challenge import ranking, states
from challenge.admission import Description, Refused
from challenge.models import State, Submission

MOST_EDITS = 100
"""Of one submission: each is a line of its history."""

_AGAIN = "described anew: "

WORDS = {
    "title": "title",
    "method": "method",
    "link": "link",
    "parameters": "number of parameters",
    "gmac": "GMAC",
}


def describe(submission: Submission, about: Description, by: User) -> list[str]:
    """Changes the description, with a line in the history. Returns what has changed, in words.

    Raises:
        Refused: a value that can't be kept, or it was changed too often; nothing has changed.
    """
    wanted = dataclasses.asdict(about.checked())
    wanted["title"] = wanted["title"] or submission.title
    with transaction.atomic():
        row = Submission.objects.select_for_update().get(pk=submission.pk)
        changes = {name: value for name, value in wanted.items() if getattr(row, name) != value}
        if not changes:
            return []
        if row.transitions.filter(reason__startswith=_AGAIN).count() >= MOST_EDITS:
            raise Refused(f"This has been changed {MOST_EDITS} times already. Ask the organizers to change it.")
        Submission.objects.filter(pk=row.pk).update(**changes)
        state = State(row.state)
        words = [WORDS[name] for name in changes]
        states.note_move(row, state, state, by.get_username(), _AGAIN + ", ".join(words))
        if row.score_id is not None:
            ranking.refresh(row.phase, row.team)  # Its row on the board shows the parameters.
    submission.refresh_from_db()
    return words
