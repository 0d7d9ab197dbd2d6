"""What the evaluation hosts can give to a run: limits beyond that are refused when they are set."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.utils import timezone

from challenge import hosts
from challenge.models import DEFAULT_QUEUE, Host, Phase
from sandbox import Limits, Profile, offered_runtimes
from sandbox.cores import parse_cores
from sandbox.limits import GIB

REMEMBERED = dt.timedelta(days=30)
"""A host that was not seen for so long is not counted on any more. One that is away for a day comes back."""


def known_hosts(queue: str) -> list[Host]:
    """Hosts that serve this queue, also those that are down or out of service just now."""
    seen = Host.objects.filter(last_seen__gt=timezone.now() - REMEMBERED)
    return [host for host in seen if queue in host.queues]


def known_queues() -> list[str]:
    """Names of the queues that some host serves, the default one first."""
    seen = Host.objects.filter(last_seen__gt=timezone.now() - REMEMBERED)
    return [DEFAULT_QUEUE, *sorted({name for host in seen for name in host.queues} - {DEFAULT_QUEUE})]


@dataclasses.dataclass(frozen=True, slots=True)
class HostOffer:
    """The most that the evaluation hosts of a queue can give a container.

    Attributes:
        hosts: those it is known from; empty: from the settings or this machine.
    """

    cpus: int
    memory_bytes: int
    gpus: int
    runtimes: tuple[str, ...]
    hosts: tuple[Host, ...] = ()

    @classmethod
    def of(cls, queue: str) -> HostOffer:
        """What PARAKH_HOST_… says; where it is silent, what the queue's hosts have; else what this machine has.

        Of this machine's cores, those count that PARAKH_CPUSET leaves to runs.
        """
        known = known_hosts(queue)
        if not known:
            usable = len(parse_cores(settings.PARAKH_CPUSET)) if settings.PARAKH_CPUSET else os.cpu_count() or 1
            memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
            found = cls(cpus=usable, memory_bytes=memory, gpus=0, runtimes=offered_runtimes())
        else:
            found = cls(
                cpus=max(host.cores for host in known),
                memory_bytes=max(host.memory_bytes for host in known),
                gpus=max(host.gpus for host in known),
                runtimes=tuple(sorted({name for host in known for name in host.runtimes})),
                hosts=tuple(known),
            )
        said = {
            "cpus": settings.PARAKH_HOST_CPUS,
            "memory_bytes": settings.PARAKH_HOST_MEMORY_BYTES,
            "gpus": settings.PARAKH_HOST_GPUS,
            "runtimes": settings.PARAKH_HOST_RUNTIMES,
        }
        given: dict[str, Any] = {name: value for name, value in said.items() if value}
        # Who says what is to come must not be held to what is there.
        return dataclasses.replace(found, **given, hosts=() if given else found.hosts)

    def fit(self, profile: Profile) -> Limits:
        """The profile's limits, as far as these hosts can give them."""
        limits = profile.on(self.cpus)
        return limits.replace(
            memory_bytes=min(limits.memory_bytes, self.memory_bytes // GIB * GIB or limits.memory_bytes)
        )

    def problems(self, limits: Limits, phase: Phase | None = None) -> Iterator[tuple[str, str]]:
        """What of `limits` no host can give: pairs of field name and sentence."""
        if limits.cpus > self.cpus:
            yield (
                "cpus",
                f"CPU cores is {limits.cpus}; the evaluation hosts have {self.cpus}. Set {self.cpus} or fewer.",
            )
        if limits.memory_bytes > self.memory_bytes:
            yield (
                "memory_bytes",
                f"Memory is {_gib(limits.memory_bytes)}; the evaluation hosts have {_gib(self.memory_bytes)} in all. "
                "Set less.",
            )
        if limits.gpus > self.gpus:
            yield "gpus", f"GPUs is {limits.gpus}; the evaluation hosts offer {self.gpus or 'none'}."
        if limits.runtime not in self.runtimes:
            yield (
                "runtime",
                f"Runtime is {limits.runtime}; the evaluation hosts offer {', '.join(self.runtimes)}. Others must be "
                "registered with their engines first, and named in PARAKH_HOST_RUNTIMES where the site sees none.",
            )
            return
        if self.hosts and phase is not None:
            lacking = hosts.shortfall(list(self.hosts), phase, limits)
            fits = limits.cpus <= self.cpus and limits.memory_bytes <= self.memory_bytes and limits.gpus <= self.gpus
            if lacking and fits:
                yield "cpus", f"Of the evaluation hosts none has all of this at once: there is none left {lacking}."


def _gib(count: int) -> str:
    return f"{count / GIB:.4g} GiB" if count >= GIB else f"{count / 2**20:.4g} MiB"
