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

from challenge import hosts, lineup
from challenge.alerts import alert
from challenge.models import Host, Phase
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
    (settings.ALIVE_DIR / f"{role}-{socket.gethostname()}").touch()
    for old in settings.ALIVE_DIR.iterdir():  # Each new container has a new name.
        if time.time() - old.stat().st_mtime > FORGOTTEN_SECONDS:
            old.unlink(missing_ok=True)


def stuck() -> None:
    """Alerts for each phase whose submissions have waited for minutes while no host in service can take them."""
    long_ago = timezone.now() - dt.timedelta(minutes=settings.PARAKH_ALERT_WAITING_MINUTES)
    was_here = Host.objects.filter(last_seen__gt=long_ago, quarantined_at=None)
    if was_here.exists() and not hosts.live().exists():
        return  # Workers are being restarted.
    for phase, why in lineup.stuck_phases():
        waiting = lineup.waiting().filter(phase=phase).order_by().aggregate(n=Count("pk"), first=Min("queued_at"))
        if waiting["first"] is not None and waiting["first"] < long_ago:
            _tell_stuck(phase, why, waiting["n"], waiting["first"])


def _tell_stuck(phase: Phase, why: str, count: int, first: dt.datetime) -> None:
    seen = [f"  {host.name}: last seen {host.last_seen:%Y-%m-%d %H:%M} UTC{_out(host)}" for host in _hosts()]
    alert(
        f"nobody takes {phase.challenge.slug}/{phase.slug}",
        f"{count} submission{'s wait' if count > 1 else ' waits'} and no host evaluates: {phase}",
        f"There is {why}. The first has been waiting since {first:%Y-%m-%d %H:%M} UTC.\n\n"
        + "\n".join(["Evaluation hosts, as they were last seen:", *(seen or ["  none, ever"])])
        + "\n\nNothing is lost: what waits is evaluated as soon as a host can take it. What helps, by what is wrong:\n"
        "  no worker runs         start one (celery -A challenge worker), or read the log of one that ends again\n"
        "  a host out of service  see why and put it back, in the admin under Hosts\n"
        "  hosts lack something   change the phase's limits or queue, or add a host that has it\n",
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
