"""A worker starts only on a host that is safe for strangers' programs, and once its engine answers; it then tells the
site what this host can give to runs."""

from __future__ import annotations

import dataclasses
import platform
import time
from pathlib import Path

import structlog
from django.conf import settings
from django.db import connection

from challenge import hosts
from challenge.models import Host
from sandbox import HostCheck, SandboxUnavailable, check_host
from sandbox.cores import parse_cores
from sandbox.engine import connect

ENGINE_PATIENCE_SECONDS = 60.0
"""An engine that is being restarted must not end a worker that starts at the same time."""

_POLL_SECONDS = 1.0

log = structlog.get_logger(__name__)


def require_safe_host(patience: float = ENGINE_PATIENCE_SECONDS) -> HostCheck:
    """Logs what an operator should know of this host, and returns it.

    Raises:
        SystemExit: no engine answers within the patience, or the host is unsafe (see PARAKH_ALLOW_UNSAFE_HOST).
    """
    host = _check(patience)
    for finding in host.warnings:
        log.warning("about this host", what=finding.title, seen=finding.seen, remedy=finding.remedy)
    if not host.latency_rankable:
        log.warning("latencies measured on this host are not to be ranked")
    if host.safe:
        return host
    reasons = [f"{finding.title}: {finding.seen}\n  {finding.remedy}" for finding in host.unsafe]
    if settings.PARAKH_ALLOW_UNSAFE_HOST:
        log.error("started on an unsafe host, as PARAKH_ALLOW_UNSAFE_HOST says", reasons=reasons)
        return host
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


def register(found: HostCheck) -> Host:
    """Tells the site what this host has. Settings may say less memory, other runtimes, or how many GPUs there are.

    Raises:
        SystemExit: the database is SQLite, and a worker on another machine uses it too.
    """
    _refuse_shared_sqlite()
    engine = found.facts.engine
    present = set(range(engine.cores))
    usable = present & set(parse_cores(settings.PARAKH_CPUSET)) if settings.PARAKH_CPUSET else present
    offer = hosts.Offer(
        cores=len(usable),
        memory_bytes=min(engine.memory_bytes, settings.PARAKH_HOST_MEMORY_BYTES or engine.memory_bytes),
        gpus=settings.PARAKH_HOST_GPUS or len(list(Path("/dev").glob("nvidia[0-9]*"))),
        runtimes=tuple(settings.PARAKH_HOST_RUNTIMES or sorted({"runc", "runsc"} & set(engine.runtimes))),
        queues=settings.PARAKH_QUEUES,
        facts=dataclasses.asdict(engine) | {"boot": _boot()},
    )
    return hosts.register(settings.PARAKH_HOST_NAME, offer)


def _boot() -> str:
    """What tells this machine, since it was started, from every other: its containers have the same."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:  # No Linux.
        return platform.node()


def _refuse_shared_sqlite() -> None:
    """The locks of SQLite don't reach to another machine: what both write is lost or twice. System check E011 knows the
    file systems that are usually shared; here the other worker itself is seen."""
    if connection.vendor != "sqlite":
        return
    for other in hosts.live().exclude(name=settings.PARAKH_HOST_NAME):
        if other.facts.get("boot", _boot()) != _boot():
            raise SystemExit(
                f"The worker was not started: {other.name}, another machine, evaluates with this SQLite database too.\n"
                "Workers on two machines need PostgreSQL: DATABASE_URL=postgres://… If it is this machine before its "
                f"last start, wait {hosts.ALIVE_SECONDS:.0f} s."
            )


def engine_answers() -> bool:
    """False, told to the log, where the engine does not."""
    try:
        connect().close()
    except SandboxUnavailable as error:
        log.warning("no run is claimed: the engine does not answer", error=str(error))
        return False
    return True


def is_alive() -> None:
    """A sign of life of this host, as long as its engine answers."""
    if engine_answers():
        hosts.seen(settings.PARAKH_HOST_NAME)
