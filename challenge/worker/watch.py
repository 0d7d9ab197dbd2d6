"""What the operators are told of before anything fails: submissions that no host can take, disks that fill up.

Looked at by the beat, which lives where no worker does, and by every worker, which sees its own machine's disks. The
file `alive/ROLE-HOST` is touched after each round that went well: a container's health check needs no more.
"""

from __future__ import annotations

import datetime as dt
import shutil
import socket
import tempfile
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from celery import signals
from django.conf import settings
from django.db.models import Count, Min
from django.utils import timezone

from challenge import lineup
from challenge.alerts import alert
from challenge.models import Host
from challenge.worker.reaper import ReaperThread

LOW_FRACTION = 0.1
LOW_BYTES = 20 * 10**9
"""A disk is nearly full below both: 10 % of a large disk is room for weeks, 20 GB may be all of a small one."""

FORGOTTEN_SECONDS = 24 * 3600
"""How long the file of a container that is no more stays."""

_threads: list[ReaperThread] = []


def look(role: str) -> None:
    """One round.

    Args:
        role: "beat" or "worker", for the health check.
    """
    stuck()
    full_disks(disks())
    folder = settings.PARAKH_VAR / "alive"
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / f"{role}-{socket.gethostname()}").touch()
    for old in folder.iterdir():  # Each new container has a new name.
        if time.time() - old.stat().st_mtime > FORGOTTEN_SECONDS:
            old.unlink(missing_ok=True)


def stuck() -> None:
    """Alerts for each phase whose submissions have waited for minutes while no host in service can take them."""
    patience = dt.timedelta(minutes=settings.PARAKH_ALERT_WAITING_MINUTES)
    long_ago = timezone.now() - patience
    if Host.objects.filter(last_seen__gt=long_ago, quarantined_at=None).exists():
        phases = [(phase, why) for phase, why in lineup.stuck_phases() if why != "no evaluation host at all"]
    else:
        phases = lineup.stuck_phases()
    for phase, why in phases:
        waiting = lineup.waiting().filter(phase=phase).order_by().aggregate(n=Count("pk"), first=Min("queued_at"))
        if waiting["first"] is None or waiting["first"] > long_ago:
            continue
        seen = "\n".join(
            f"  {host.name}: last seen {host.last_seen:%Y-%m-%d %H:%M} UTC{_out(host)}" for host in _hosts()
        )
        alert(
            f"nobody takes {phase.challenge.slug}/{phase.slug}",
            f"{waiting['n']} submission{'s wait' if waiting['n'] > 1 else ' waits'} in {phase} and no host takes them",
            f"The first has been waiting since {waiting['first']:%Y-%m-%d %H:%M} UTC. There is {why}.\n\n"
            f"Hosts that were ever seen:\n{seen or '  none'}\n\n"
            "Nothing is lost: they are evaluated as soon as a host can take them. Start a worker "
            "(`celery -A challenge worker`) or look into the log of one that does not stay up; put a quarantined host "
            "back into service in the admin; or change the phase's limits or queue.",
        )


def _hosts() -> Iterable[Host]:
    return Host.objects.order_by("-last_seen")[:20]


def _out(host: Host) -> str:
    return ", out of service" if host.quarantined_at else ""


def disks() -> list[Path]:
    """Where this machine writes: uploads and the rest of `var`, scratch space, and the engine's images."""
    places = (settings.PARAKH_VAR, settings.MEDIA_ROOT, tempfile.gettempdir(), "/var/lib/docker")
    return [Path(place) for place in places if Path(place).is_dir()]


def full_disks(places: Iterable[Path]) -> None:
    """Alerts for each disk with little room, once for all places on it."""
    by_disk = {place.stat().st_dev: place for place in places}
    for place in by_disk.values():
        disk = shutil.disk_usage(place)
        if disk.free >= LOW_FRACTION * disk.total or disk.free >= LOW_BYTES:
            continue
        host = socket.gethostname()
        alert(
            f"disk of {host} {place}",
            f"The disk of {place} on {host} is nearly full: {disk.free / 10**9:.1f} GB left",
            f"{disk.free / 10**9:.1f} of {disk.total / 10**9:.1f} GB are free. Once it is full, uploads are refused "
            "and evaluations fail by our fault (DISK_FAULT); nothing that was accepted is lost.\n\n"
            "What is usually large: images nobody needs (`docker system df`, `docker image prune`), logs, and uploads "
            f"under {settings.MEDIA_ROOT}. Make room or a larger disk.",
        )


@signals.worker_ready.connect
def start_in_worker(**kwargs: Any) -> None:
    """Beside the reaper, in the worker's main process."""
    _start("worker")


@signals.beat_init.connect
def start_in_beat(**kwargs: Any) -> None:
    """The beat only sends tasks, which nobody carries out where no worker lives: so it looks by itself."""
    _start("beat")


def _start(role: str) -> None:
    # The thread is named after its round; an error there is logged, and the next round comes.
    round_ = partial(look, role)
    round_.__name__ = "watch"  # type: ignore[attr-defined]
    _threads.append(ReaperThread(round_, settings.PARAKH_REAP_SECONDS))
    _threads[-1].start()


@signals.worker_shutting_down.connect
def stop(**kwargs: Any) -> None:
    """No new round once the worker was told to stop."""
    for thread in _threads:
        thread.stop()
