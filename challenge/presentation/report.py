"""All that a submission's page shows, gathered once: the page and its live part render the same context."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.utils import timezone

from challenge import forecast, lineup, overlays, permissions, submissions
from challenge.intake import ABANDONED_HOURS, LONGEST_HOURS
from challenge.models import Attempt, AttemptState, Kind, Score, State, Submission
from challenge.presentation import curves, figures, limits_text, timeline, units
from evaluator.metrics import CLASS_NAMES

ENDED = (State.FINISHED, State.FAILED)


def context(user: User | AnonymousUser, submission: Submission) -> dict[str, Any]:
    """Names for submission.html and submission_live.html. `submission` comes with phase, challenge, team and score."""
    attempts = list(submission.attempts.order_by("number"))
    newest = attempts[-1] if attempts else None
    shown = newest_done(attempts)
    may_see_log = permissions.can_see_log(user, submission)
    may_rerun = permissions.can_rerun(user, submission)
    status = status_line(submission, newest)
    return {
        "submission": submission,
        "phase": submission.phase,
        "challenge": submission.phase.challenge,
        "attempt": newest if newest and newest.state != AttemptState.DONE and may_see_log else None,
        "stages": timeline.stages(submission, newest, shows_images=may_see_log),
        "status_line": status,
        "seen": fingerprint(submission, newest, status),
        "verdict": shown.verdict if shown and submission.is_final else "",
        "can_cancel": permissions.can_cancel(user, submission) and _is_cancellable(submission, may_rerun),
        "can_rerun": may_rerun and submission.state in ENDED,
        "may_see_log": may_see_log,
        "attempts": [(attempt, _limits_then(submission, attempt)) for attempt in reversed(attempts)],
        "history": _history(user, submission),
        "can_describe": permissions.can_describe(user, submission),
        "can_download": permissions.can_download(user, submission) and bool(submission.file.name),
        "is_described": any((submission.method, submission.link))
        or not (submission.parameters is None and submission.gmac is None),
        "declared": declared(submission),
        "choice": _choice(user, submission),
        **(_report(submission, shown) if shown else {}),
    }


def newest_done(attempts: list[Attempt]) -> Attempt | None:
    """The last attempt that has a verdict."""
    return next((attempt for attempt in reversed(attempts) if attempt.state == AttemptState.DONE), None)


def _is_cancellable(submission: Submission, may_rerun: bool) -> bool:
    """Offered where submissions.cancel would agree: not done, not asked for already; a re-run to organizers only."""
    return not (submission.is_final or submission.cancel_requested) and (
        may_rerun or not submissions.is_rerun(submission)
    )


def _limits_then(submission: Submission, attempt: Attempt) -> str:
    """The limits that an attempt ran under, as far as its kind meets them."""
    if Kind(submission.kind).runs:
        return limits_text.sentence(attempt.limits)
    return limits_text.archive_sentence(attempt.limits)


@dataclasses.dataclass(frozen=True, slots=True)
class Choice:
    """For its team: whether it is chosen for the final standing, or which other one is; and whether that may change."""

    is_chosen: bool
    other: Submission | None
    is_open: bool


def _choice(user: User | AnonymousUser, submission: Submission) -> Choice | None:
    """None where there is nothing to choose or to be told."""
    phase = submission.phase
    is_out = submission.disqualified_at is not None or submission.team.disqualified_at is not None
    if submission.score is None or is_out or not permissions.can_choose_final(user, submission):
        return None
    is_open = phase.revealed_at is None and timezone.now() < phase.closes
    chosen = Submission.objects.filter(phase=phase, team=submission.team_id, is_chosen=True).first()
    is_chosen = chosen is not None and chosen.pk == submission.pk
    return Choice(is_chosen, None if is_chosen else chosen, is_open) if is_open or chosen else None


@dataclasses.dataclass(frozen=True, slots=True)
class HistoryLine:
    """One change of state, or of the description. Who evaluates is "a worker" to all but organizers."""

    at: dt.datetime
    before: str
    after: str
    reason: str
    by: str


MOST_HISTORY = 100


def _history(user: User | AnonymousUser, submission: Submission) -> list[HistoryLine]:
    """Newest first."""
    is_organizer = permissions.can_edit(user, submission.phase.challenge)
    return [
        HistoryLine(
            line.at,
            line.before,
            line.after,
            line.reason,
            line.actor if is_organizer or not line.actor.startswith("worker ") else "a worker",
        )
        for line in submission.transitions.order_by("-id")[:MOST_HISTORY]
    ]


def declared(submission: Submission) -> list[tuple[str, str]]:
    """Figures that its team gives, in words."""
    gmac = f"{submission.gmac:g} G" if submission.gmac is not None else units.NOTHING
    return [("Parameters", units.count(submission.parameters)), ("Multiply-accumulates an image", gmac)]


def _report(submission: Submission, shown: Attempt) -> dict[str, Any]:
    """The result: of the attempt `shown`, and the score that counts, which may be of an earlier one."""
    score = submission.score
    return {
        "report": shown,
        "also": shown.flags[1:],
        "keeps_score": score is not None and not submission.is_final,
        "score_of": score.attempt if score and score.attempt_id != shown.pk else None,
        **figures_of(submission, shown, score),
    }


def figures_of(submission: Submission, attempt: Attempt, score: Score | None) -> dict[str, Any]:
    """Names for parts/report_figures.html: what was measured in an attempt, and the score to show with it.

    Nothing in it is for the team alone: of hidden data no detail by image was kept (results.py).
    """
    measured, limits = attempt.measurements, attempt.limits
    runs = Kind(submission.kind).runs
    facts = [
        ("Latency, median", units.seconds(measured.get("latency_median_seconds"))),
        ("Latency, 90 % below", units.seconds(measured.get("latency_p90_seconds"))),
        ("Held back by the CPU quota", units.seconds(measured.get("throttled_seconds"))),
        ("Code or image, unpacked", units.size(measured.get("image_bytes"))),
    ]
    return {
        "score": score,
        "bars": figures.class_bars(score.iou) if score else [],
        "confusion": figures.confusion_rows(score.confusion) if score else [],
        "confusion_columns": figures.CONFUSION_COLUMNS,
        "usage": figures.usage(measured, limits) if runs else figures.archive_usage(submission.file_bytes, limits),
        "facts": [(label, value) for label, value in facts if value != units.NOTHING],
        "runs": runs,
        "curve": curves.resource_curve(measured.get("curve") or [], limits, attempt.images_total),
        "latency": curves.latency_chart(measured.get("latencies") or [], limits),
        "examples": overlays.examples(submission),
        "class_names": CLASS_NAMES,
    }


def status_line(submission: Submission, newest: Attempt | None) -> str:
    """Where it stands, in one sentence."""
    if submission.state == State.UPLOADING:
        return "The upload is under way."
    if submission.state == State.QUEUED:
        return _waiting(submission)
    if submission.state == State.EVALUATING and newest is not None:
        return _working(submission, newest)
    if submission.state == State.CANCELLED:
        return _why_cancelled(submission)
    if submission.state == State.FINISHED:
        return submission.note or "Evaluated: its score counts on the leaderboard."
    return submission.note or "It ended without a score. The verdict says why and what to try."


def _why_cancelled(submission: Submission) -> str:
    """Of an upload that came to nothing: what was wrong with it, and what to do."""
    last = submission.transitions.order_by("-id").first()
    if last is None or last.before != State.UPLOADING:
        return "This submission was cancelled."
    if last.actor == "reaper":
        return (
            f"The upload broke off: for {ABANDONED_HOURS} hours nothing came, or it took longer than {LONGEST_HOURS}. "
            "It costs nothing of your quota. Send the file again."
        )
    if last.reason == "cancelled before it ran":
        return "The upload was given up before it was complete. It costs nothing of your quota."
    return f"The upload was not taken: {last.reason} It costs nothing of your quota."


def _waiting(submission: Submission) -> str:
    again = "After a fault of ours it is queued again; that costs you nothing. " if submission.platform_faults else ""
    place = lineup.place(submission)
    if place.why:
        return place.why
    if place.position is None:  # Claimed since the row was read.
        return "A worker has just taken it."
    wait = forecast.of_submission(submission, place)
    if place.position == 1:
        soon = f", in {wait}" if wait.startswith("about") else ""
        return f"{again}It is next: it starts as soon as a worker is free{soon}."
    told = f" It starts in {wait}, if nothing comes between." if wait else ""
    return f"{again}It is number {place.position} in the queue; teams take turns.{told}"


def _working(submission: Submission, newest: Attempt) -> str:
    if submission.cancel_requested:
        return "It will be stopped in a moment, as asked."
    if newest.state == AttemptState.RUNNING:
        if newest.images_total and newest.images_done:
            return "Running: it answers one image after the other."
        return "Running: the container starts and loads the model."
    if newest.state == AttemptState.SCORING:
        return "Scoring: its answers are compared with the ground truth."
    return f"A worker has taken it and checks the upload (attempt {newest.number})."


def fingerprint(submission: Submission, newest: Attempt | None, status: str) -> str:
    """Short hash of all that can change on the page before it is final: the poll is answered 204 while it is equal."""
    facts: list[object] = [submission.state, submission.cancel_requested, status]
    if newest is not None:
        facts += [newest.number, newest.state, newest.images_done, newest.images_total]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:12] + f"-{_stage_number(submission, newest)}"


def _stage_number(submission: Submission, newest: Attempt | None) -> int:
    """Which stage it is in: a screen reader is told when this changes, not at each image."""
    return sum(stage.status == "done" for stage in timeline.stages(submission, newest))
