"""All that a submission's page shows, gathered once: the page and its live part render the same context."""

from __future__ import annotations

import hashlib
from typing import Any

from django.contrib.auth.models import AnonymousUser, User

from challenge import forecast, lineup, permissions, submissions
from challenge.models import Attempt, AttemptState, Score, State, Submission
from challenge.presentation import curves, figures, limits_text, timeline, units

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
        "attempts": [(attempt, limits_text.sentence(attempt.limits)) for attempt in reversed(attempts)],
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


def _report(submission: Submission, shown: Attempt) -> dict[str, Any]:
    """The result: of the attempt `shown`, and the score that counts, which may be of an earlier one."""
    score = submission.score
    return {
        "report": shown,
        "also": shown.flags[1:],
        "keeps_score": score is not None and not submission.is_final,
        "score_of": score.attempt if score and score.attempt_id != shown.pk else None,
        **figures_of(shown, score),
    }


def figures_of(attempt: Attempt, score: Score | None) -> dict[str, Any]:
    """Names for parts/report_figures.html: what was measured in an attempt, and the score to show with it.

    Nothing in it is for the team alone: of hidden data no detail by image was kept (results.py).
    """
    measured, limits = attempt.measurements, attempt.limits
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
        "usage": figures.usage(measured, limits),
        "facts": [(label, value) for label, value in facts if value != units.NOTHING],
        "curve": curves.resource_curve(measured.get("curve") or [], limits, attempt.images_total),
        "latency": curves.latency_chart(measured.get("latencies") or [], limits),
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
        return "This submission was cancelled."
    if submission.state == State.FINISHED:
        return submission.note or "Evaluated: its score counts on the leaderboard."
    return submission.note or "It ended without a score. The verdict says why and what to try."


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
