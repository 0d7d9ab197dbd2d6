"""Which submission is ours now, and under what name we hold it."""

from __future__ import annotations

import hashlib
import os

import structlog
from django.conf import settings
from django.db import connection

from challenge import submissions
from challenge.models import Attempt, Kind
from challenge.worker.host import engine_answers

log = structlog.get_logger(__name__)


def worker_name() -> str:
    """This process, for the record: `HOST:PID`."""
    return f"{settings.PARAKH_HOST_NAME}:{os.getpid()}"


def run_prefix() -> str:
    """What the run ids of this site begin with: other sites and local evaluations may use the same engine."""
    site = f"{settings.SECRET_KEY} {connection.settings_dict['NAME']}"
    return f"site-{hashlib.sha256(site.encode()).hexdigest()[:8]}-"


def run_id(attempt: Attempt) -> str:
    """The label of everything on the engine that belongs to this attempt."""
    return f"{run_prefix()}{attempt.pk}"


def claim_next() -> Attempt | None:
    """Claims the next submission that this host can take now, or None.

    While the engine does not answer it takes only what needs none: each claim would cost a run one of its tries.
    """
    only = None if engine_answers() else Kind.PREDICTIONS
    attempt = submissions.claim(worker_name(), settings.PARAKH_LEASE_SECONDS, settings.PARAKH_HOST_NAME, only=only)
    if attempt is not None:
        log.info("claimed", submission=str(attempt.submission_id), attempt=attempt.pk, number=attempt.number)
    return attempt
