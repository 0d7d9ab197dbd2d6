"""Which submission is ours now, and under what name we hold it."""

from __future__ import annotations

import hashlib
import os
import socket

import structlog
from django.conf import settings
from django.db import connection

from challenge import submissions
from challenge.models import Attempt

log = structlog.get_logger(__name__)


def worker_name() -> str:
    """This process, for the record: `HOST:PID`."""
    return f"{socket.gethostname()}:{os.getpid()}"


def run_prefix() -> str:
    """What the run ids of this site begin with: other sites and local evaluations may use the same engine."""
    site = f"{settings.SECRET_KEY} {connection.settings_dict['NAME']}"
    return f"site-{hashlib.sha256(site.encode()).hexdigest()[:8]}-"


def run_id(attempt: Attempt) -> str:
    """The label of everything on the engine that belongs to this attempt."""
    return f"{run_prefix()}{attempt.pk}"


def claim_next() -> Attempt | None:
    """Claims the next submission for this process, or None if nothing is due."""
    attempt = submissions.claim(worker_name(), settings.PARAKH_LEASE_SECONDS)
    if attempt is not None:
        log.info("claimed", submission=str(attempt.submission_id), attempt=attempt.pk, number=attempt.number)
    return attempt
