"""The machines that evaluate: what each can give to runs, which are alive, and which are out of service.

A worker tells what its host has when it starts, and that it is alive as long as its engine answers. What a host has
left is counted from the attempts that are under way there, so that nothing has to be given back when a worker dies.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from typing import Any

import structlog
from django.db.models import QuerySet
from django.db.models.functions import Now

from challenge import alerts
from challenge.models import Attempt, AttemptState, Host, Kind, Phase
from sandbox import Code, Limits

log = structlog.get_logger(__name__)

ALIVE_SECONDS = 90.0
"""A host that was not seen for so long is taken for gone. Above one slow answer of an engine (60 s)."""

FAULTS = (Code.HOST_FAULT, Code.ENGINE_FAULT, Code.DISK_FAULT)
"""What may be the host's doing. A lost worker may be the submission's, and a fault of the scorer is in our code."""

TEAMS_TO_QUARANTINE = 2
"""Faults with one team's submissions may be that team's doing: it must not be able to take hosts out of service."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a host gives to runs."""

    cores: int
    memory_bytes: int
    gpus: int
    runtimes: tuple[str, ...]
    queues: tuple[str, ...]
    facts: dict[str, Any]


def register(name: str, offer: Offer) -> Host:
    """Notes what a host has; it is alive from now on. A quarantine outlives a restart of its workers."""
    given = dataclasses.asdict(offer)
    host, _ = Host.objects.update_or_create(name=name, defaults=given | {"last_seen": Now()})
    return host


def seen(name: str) -> None:
    """A sign of life."""
    Host.objects.filter(name=name).update(last_seen=Now())


def live() -> QuerySet[Host]:
    """Hosts that are alive and in service."""
    alive = Now() - dt.timedelta(seconds=ALIVE_SECONDS)
    return Host.objects.filter(last_seen__gt=alive, quarantined_at=None)


def in_turn(name: str) -> Host | None:
    """The host, locked until the end of the transaction: its workers claim in turn. None while it is quarantined."""
    return Host.objects.select_for_update().filter(name=name, quarantined_at=None).first()


def shortfall(hosts: list[Host], phase: Phase, limits: Limits) -> str:
    """What none of these hosts has, after "no evaluation host": "with 8 cores", "at all". Empty: some can take it."""
    left = serving(hosts, phase)
    if not left:
        return f"for the queue {phase.queue!r}" if hosts else "at all"
    needs: tuple[tuple[Callable[[Host], bool], str], ...] = (
        (lambda host: limits.runtime in host.runtimes, f"the runtime {limits.runtime}"),
        (lambda host: limits.gpus <= host.gpus, _counted(limits.gpus, "GPU")),
        (lambda host: limits.cpus <= host.cores, _counted(limits.cpus, "core")),
        (lambda host: limits.memory_bytes <= host.memory_bytes, f"{limits.memory_bytes / 2**30:.3g} GiB of memory"),
    )
    for has, words in needs:
        left = [host for host in left if has(host)]
        if not left:
            return f"with {words}"
    return ""


def serving(hosts: list[Host], phase: Phase) -> list[Host]:
    """Those of the hosts that serve the queue of a phase: enough to score its predictions."""
    return [host for host in hosts if phase.queue in host.queues]


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def has_room(host: Host, limits: Limits) -> bool:
    """True if what the runs under way leave of the host is enough. The host is locked by the caller.

    Predictions are scored beside them: that takes no core from a container.
    """
    running = Attempt.objects.filter(ran_on=host).exclude(state=AttemptState.DONE)
    running = running.exclude(submission__kind=Kind.PREDICTIONS)
    try:
        taken = [attempt.limits for attempt in running.only("limits_data")]
    except (TypeError, ValueError) as error:
        # An upgrade changed the limits under a run. It may hold anything, and its lease ends soon.
        log.warning("nothing is claimed: a run's limits can't be read", host=host.name, error=str(error))
        return False
    return (
        limits.cpus + sum(other.cpus for other in taken) <= host.cores
        and limits.memory_bytes + sum(other.memory_bytes for other in taken) <= host.memory_bytes
        and limits.gpus + sum(other.gpus for other in taken) <= host.gpus
    )


def quarantine_if_broken(host: Host) -> None:
    """Takes a host out of service after faults with submissions of two teams and no good run in between."""
    ended = Attempt.objects.filter(ran_on=host, state=AttemptState.DONE)
    says_nothing = (*FAULTS, Code.WORKER_LOST, Code.SCORER_FAULT, Code.NOISE, Code.CANCELLED)
    good = ended.exclude(verdict__in=says_nothing).order_by("-done_at").values_list("done_at", flat=True).first()
    faults = ended.filter(verdict__in=FAULTS)
    for since in (good, host.released_at):
        faults = faults.filter(done_at__gt=since) if since else faults
    if faults.values("submission__team").distinct().count() < TEAMS_TO_QUARANTINE:
        return
    codes = ", ".join(sorted(set(faults.values_list("verdict", flat=True))))
    quarantine(host, f"{codes} with submissions of more than one team, and no good run in between")


def quarantine(host: Host, why: str) -> bool:
    """Lets a host claim nothing more; what runs there goes on. False: it is out of service already."""
    taken = Host.objects.filter(pk=host.pk, quarantined_at=None)
    if not taken.update(quarantined_at=Now(), quarantined_why=why[:300]):
        return False
    alerts.alert(
        f"quarantine {host.name}",
        f"Evaluation host {host.name} is out of service",
        f"{why}.\n\nIt claims nothing more; submissions go to the other hosts, or wait. Look at the faults of its last "
        "attempts in the admin and at its engine and disk, then put it back into service in the admin, under Hosts.",
    )
    return True


def release(host: Host) -> bool:
    """Puts a host back into service; its faults up to now are forgotten. False: it was in service."""
    out = Host.objects.filter(pk=host.pk, quarantined_at__isnull=False)
    return out.update(quarantined_at=None, quarantined_why="", released_at=Now()) == 1
