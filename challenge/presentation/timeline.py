"""The stages of a submission as its page shows them: five steps, always the same five, so that nothing jumps. Pure."""

from __future__ import annotations

import dataclasses
from typing import Literal

from challenge.models import Attempt, AttemptState, State, Submission
from sandbox import Code

Status = Literal["done", "now", "todo", "stopped"]

NAMES = ("Queued", "Admitted", "Running", "Scoring", "Published")

_NOW = {
    AttemptState.CLAIMED: 1,
    AttemptState.ADMITTING: 1,
    AttemptState.RUNNING: 2,
    AttemptState.SCORING: 3,
}
_WORD = {"done": "done", "now": "in progress", "todo": "not yet", "stopped": "stopped here"}


@dataclasses.dataclass(frozen=True, slots=True)
class Stage:
    """One step: its name, where it stands, and a line of detail (may be empty)."""

    name: str
    status: Status
    note: str = ""

    @property
    def word(self) -> str:
        """The status for people who don't see the colour."""
        return _WORD[self.status]


def stages(submission: Submission, attempt: Attempt | None, *, shows_images: bool = True) -> list[Stage]:
    """The five stages of `submission`, whose latest attempt is `attempt`. Hidden data: no count of images."""
    at, stopped = _position(submission, attempt)
    notes = _notes(submission, attempt, at, shows_images)
    return [Stage(name, _status(index, at, stopped), notes.get(index, "")) for index, name in enumerate(NAMES)]


def _status(index: int, at: int, stopped: bool) -> Status:
    if index < at:
        return "done"
    if index > at:
        return "todo"
    return "stopped" if stopped else "now"


def _position(submission: Submission, attempt: Attempt | None) -> tuple[int, bool]:
    """Index of the current stage (5 when all are done), and whether it ended there."""
    if submission.state == State.FINISHED:
        return len(NAMES), False
    if submission.state in (State.FAILED, State.CANCELLED):
        return _where_it_ended(attempt), True
    if submission.state == State.EVALUATING and attempt is not None:
        return _NOW.get(AttemptState(attempt.state), 3), False
    return 0, False


def _where_it_ended(attempt: Attempt | None) -> int:
    """A done attempt no longer says in which stage it was: its verdict and its count of images do."""
    if attempt is None:
        return 0
    if attempt.verdict == Code.IMAGE_REJECTED or (attempt.verdict == Code.CANCELLED and not attempt.images_total):
        return 1
    return 3 if attempt.verdict == Code.SCORER_FAULT else 2


def _notes(submission: Submission, attempt: Attempt | None, at: int, shows_images: bool) -> dict[int, str]:
    notes = {0: "Your upload is safe; it waits for a free worker." if at == 0 and not submission.is_final else ""}
    if submission.state == State.UPLOADING:
        notes[0] = "The upload is not complete yet."
    if at == 1 and not submission.is_final:
        notes[1] = "Checking the upload."
    if attempt is not None and attempt.images_total and at >= 2 and shows_images:
        notes[2] = f"{attempt.images_done} of {attempt.images_total} images"
    elif at == 2 and not submission.is_final:
        notes[2] = "The container loads the model."
    if at == 3 and not submission.is_final:
        notes[3] = "Comparing with the ground truth."
    return notes
