"""One attempt, from the claim to the published result.

The evaluator does the work and knows nothing of the site; here is the one place where an exception becomes a state.
"""

from __future__ import annotations

import errno
import math
import time
from collections.abc import Callable
from pathlib import Path

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from challenge import storage, submissions
from challenge.models import Attempt, Kind
from challenge.models import Dataset as DatasetRow
from challenge.worker import answers
from challenge.worker.claim import run_id
from challenge.worker.heartbeat import Heartbeat
from evaluator.datasets import Dataset
from evaluator.errors import DatasetError, PlatformError
from evaluator.keeping import Keeper
from evaluator.offline import evaluate_predictions
from evaluator.pipeline import evaluate
from evaluator.report import Report
from sandbox import Code

log = structlog.get_logger(__name__)

DATABASE_PATIENCE_SECONDS = 600
"""How long a result waits for a database that is locked or away. After that the attempt is repeated."""


def evaluate_attempt(attempt: Attempt, must_hand_back: Callable[[], bool] = lambda: False) -> None:
    """Runs a claimed attempt and publishes what came out, whatever happens.

    Args:
        must_hand_back: asked twice a second; True once the worker has to stop: the submission then goes back.
    """
    with (
        structlog.contextvars.bound_contextvars(submission=str(attempt.submission_id), attempt=attempt.pk),
        Heartbeat(attempt, settings.PARAKH_LEASE_SECONDS, must_hand_back) as heartbeat,
    ):
        try:
            report = _run(attempt, heartbeat)
            if report.verdict.code is Code.CANCELLED and heartbeat.hands_back:
                ended = _persist(lambda: submissions.hand_back(attempt))
            else:
                ended = _persist(lambda: submissions.publish(attempt, report))
        except Exception as error:
            code, detail = _fault(error), f"{type(error).__name__}: {error}"
            log.warning("the attempt failed by our fault", verdict=code.value, exc_info=True)
            ended = _persist(lambda: submissions.platform_fault(attempt, code, detail))
        except BaseException:  # This process is being ended.
            _persist(lambda: submissions.hand_back(attempt))
            raise
        log.info("done" if ended else "done, but the attempt was ours no more: nothing was written")


def _run(attempt: Attempt, heartbeat: Heartbeat) -> Report:
    """The evaluation itself, and its label maps kept where the phase wants them."""
    submission = attempt.submission
    dataset = _open(submission.phase.dataset)
    with storage.local_copy(submission) as upload, Keeper() as keeper:
        evaluation = _of_predictions if submission.kind == Kind.PREDICTIONS else _in_a_container
        report = evaluation(attempt, upload, dataset, heartbeat, keeper)
        if report.scores is not None and math.isnan(report.scores.miou):
            raise PlatformError(Code.SCORER_FAULT, "a class is missing from the data set, so that there is no mIoU")
        if report.verdict.ok and submission.phase.keep_predictions:
            answers.keep(attempt, dataset, keeper)
    return report


def _in_a_container(attempt: Attempt, upload: Path, dataset: Dataset, heartbeat: Heartbeat, keeper: Keeper) -> Report:
    """Code and images: the same call as on a participant's machine."""
    submission = attempt.submission
    return evaluate(
        upload,
        dataset,
        attempt.limits,
        kind="code" if submission.kind == Kind.CODE else "image",
        base=submission.base or settings.PARAKH_BASES[0],
        contract="batch" if attempt.contract == "batch" else "stream",
        seed=attempt.seed,
        cores=settings.PARAKH_CPUSET or None,
        run_id=run_id(attempt),
        on_progress=heartbeat.note,
        on_answer=keeper.add,
        should_stop=heartbeat.should_stop,
    )


def _of_predictions(attempt: Attempt, upload: Path, dataset: Dataset, heartbeat: Heartbeat, keeper: Keeper) -> Report:
    """Label maps that were made elsewhere: nothing runs."""
    return evaluate_predictions(
        upload,
        dataset,
        attempt.limits,
        on_progress=heartbeat.note,
        on_answer=keeper.add,
        should_stop=heartbeat.should_stop,
    )


def _open(row: DatasetRow) -> Dataset:
    """The phase's data set, if it is still what was registered."""
    dataset = Dataset.open(Path(row.path), row.split)
    if dataset.fingerprint() != row.fingerprint:
        raise PlatformError(Code.HOST_FAULT, f"the data set {row.name} has changed since it was registered")
    return dataset


def _fault(error: Exception) -> Code:
    """Which platform verdict an exception is."""
    match error:
        case PlatformError():
            return error.code
        case DatasetError():
            return Code.HOST_FAULT
        case OSError() if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS):
            return Code.DISK_FAULT
        case OSError():
            return Code.HOST_FAULT
        case _:
            return Code.SCORER_FAULT


def _persist(write: Callable[[], bool]) -> bool:
    """Repeats a write until the database takes it. Safe to repeat: a write that got through makes the next a no-op."""
    give_up = time.monotonic() + DATABASE_PATIENCE_SECONDS
    while True:
        try:
            return write()
        except (OperationalError, InterfaceError) as error:
            if time.monotonic() > give_up:
                raise
            log.warning("the database did not take the result; trying again", error=str(error))
            connection.close()
            time.sleep(1)
