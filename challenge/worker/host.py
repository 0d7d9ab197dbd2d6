"""A worker starts only on a host that is safe for strangers' programs, and once its engine answers."""

from __future__ import annotations

import time

import structlog
from django.conf import settings

from sandbox import HostCheck, SandboxUnavailable, check_host

ENGINE_PATIENCE_SECONDS = 60.0
"""An engine that is being restarted must not end a worker that starts at the same time."""

_POLL_SECONDS = 1.0

log = structlog.get_logger(__name__)


def require_safe_host(patience: float = ENGINE_PATIENCE_SECONDS) -> None:
    """Logs what an operator should know of this host.

    Raises:
        SystemExit: no engine answers within the patience, or the host is unsafe (see PARAKH_ALLOW_UNSAFE_HOST).
    """
    host = _check(patience)
    for finding in host.warnings:
        log.warning("about this host", what=finding.title, seen=finding.seen, remedy=finding.remedy)
    if not host.latency_rankable:
        log.warning("latencies measured on this host are not to be ranked")
    if host.safe:
        return
    reasons = [f"{finding.title}: {finding.seen}\n  {finding.remedy}" for finding in host.unsafe]
    if settings.PARAKH_ALLOW_UNSAFE_HOST:
        log.error("started on an unsafe host, as PARAKH_ALLOW_UNSAFE_HOST says", reasons=reasons)
        return
    raise SystemExit(
        "\n".join(
            [
                "The worker was not started: this host is not safe for strangers' programs.",
                *reasons,
                "`python -m sandbox check` shows all that was looked at. "
                "To start the worker all the same, set PARAKH_ALLOW_UNSAFE_HOST=1.",
            ]
        )
    )


def _check(patience: float) -> HostCheck:
    """Asks until the engine answers.

    Raises:
        SystemExit: it did not within the patience.
    """
    give_up = time.monotonic() + patience
    is_first = True
    while True:
        try:
            return check_host(cpuset=settings.PARAKH_CPUSET or None)
        except SandboxUnavailable as error:
            if time.monotonic() > give_up:
                raise SystemExit(f"The worker was not started: {error}.") from error
            if is_first:
                log.warning("waiting for the engine", error=str(error), seconds=patience)
            is_first = False
        time.sleep(_POLL_SECONDS)
