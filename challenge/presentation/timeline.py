"""The stages of a submission as its page shows them, for its kind always the same, so that nothing jumps. Pure."""

from __future__ import annotations

import dataclasses
from typing import Literal

from challenge.models import Attempt, AttemptState, Kind, State, Submission
from sandbox import Code

Status = Literal["done", "now", "todo", "stopped"]

QUEUED, CHECKED, RUNNING, SCORING, PUBLISHED = "Queued", "Checked", "Running", "Scoring", "Published"

_OF_A_RUN = (QUEUED, CHECKED, RUNNING, SCORING, PUBLISHED)
_OF_PREDICTIONS = (QUEUED, CHECKED, SCORING, PUBLISHED)

_NOW = {
    AttemptState.CLAIMED: CHECKED,
    AttemptState.ADMITTING: CHECKED,
    AttemptState.RUNNING: RUNNING,
    AttemptState.SCORING: SCORING,
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
    """The stages of `submission`, whose latest attempt is `attempt`. Hidden data: no count of images."""
    names = _OF_A_RUN if Kind(submission.kind).runs else _OF_PREDICTIONS
    now, has_stopped = _position(submission, attempt)
    at = names.index(now) if now in names else len(names)
    notes = _notes(submission, attempt, now, shows_images)
    return [Stage(name, _status(number, at, has_stopped), notes.get(name, "")) for number, name in enumerate(names)]


def _status(number: int, at: int, has_stopped: bool) -> Status:
    if number < at:
        return "done"
    if number > at:
        return "todo"
    return "stopped" if has_stopped else "now"


def _position(submission: Submission, attempt: Attempt | None) -> tuple[str, bool]:
    """The current stage (empty when all are done), and whether it ended there."""
    if submission.state == State.FINISHED:
        return "", False
    if submission.state in (State.FAILED, State.CANCELLED):
        return _where_it_ended(submission, attempt), True
    if submission.state == State.EVALUATING and attempt is not None:
        return _NOW.get(AttemptState(attempt.state), SCORING), False
    return QUEUED, False


def _where_it_ended(submission: Submission, attempt: Attempt | None) -> str:
    """A done attempt no longer says in which stage it was: its verdict and its count of images do."""
    if attempt is None:
        return QUEUED
    if attempt.verdict == Code.IMAGE_REJECTED or (attempt.verdict == Code.CANCELLED and not attempt.images_total):
        return CHECKED
    return SCORING if attempt.verdict == Code.SCORER_FAULT or not Kind(submission.kind).runs else RUNNING


def _notes(submission: Submission, attempt: Attempt | None, now: str, shows_images: bool) -> dict[str, str]:
    notes: dict[str, str] = {}
    if not submission.is_final:
        runs = Kind(submission.kind).runs
        notes[now] = {
            QUEUED: "Your upload is safe; it waits for a free worker.",
            CHECKED: "Looking at the upload.",
            RUNNING: "The container loads the model.",
            SCORING: "Comparing with the ground truth." if runs else "Reading and comparing.",
        }.get(now, "")
        if submission.state == State.UPLOADING:
            notes[QUEUED] = "The upload is not complete yet."
    if attempt is not None and attempt.images_total and shows_images and now in (RUNNING, SCORING, PUBLISHED, ""):
        where = RUNNING if Kind(submission.kind).runs else SCORING
        notes[where] = f"{attempt.images_done} of {attempt.images_total} images"
    return notes
