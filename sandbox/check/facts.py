"""What there is to know about a host, as plain values: gathered by gather.py, judged by the judges, kept in reports."""

from __future__ import annotations

import dataclasses
from typing import Literal

Level = Literal["ok", "warn", "unsafe"]


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        id: the same for the same thing in every report.
        level: `unsafe` where a submission could get out or at others, or where a limit would not hold; `warn` where
            there is one wall fewer, a coarser measurement or a nuisance.
        title: the thing, in a word or two.
        seen: what was found, with its figures.
        remedy: what to do; empty where the level is `ok`.
        spoils_latency: latencies measured on this host are not to be ranked.
    """

    id: str
    level: Level
    title: str
    seen: str
    remedy: str = ""
    spoils_latency: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """What is to run on the host: `slots` runs at the same time on `cpus` exclusive cores each, chosen from `cpuset`.

    Attributes:
        cpuset: number of cores that runs may use; None for all that the host has.
    """

    slots: int = 1
    cpus: int = 1
    cpuset: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Component:
    """A part of the engine. The revision is a commit, or what the distribution calls its build."""

    name: str
    version: str
    revision: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Runtime:
    """An OCI runtime the engine knows."""

    path: str = ""
    arguments: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EngineFacts:
    """What the engine says about itself.

    Attributes:
        product: `Docker Engine` or `Podman Engine`.
        system: operating system of its host, in words.
        address: where it is reached.
        is_local: through a socket of this machine.
        encryption: of a connection over TCP; `verified` too where there is none.
        cores: hardware threads of its host.
        security: names of its security options.
        seccomp_profile: its default one; our runs bring their own.
        has_containerd_store: images are kept by containerd instead of by the engine.
        missing_limits: what its host's kernel can't limit.
        warnings: its own, as it words them.
    """

    product: str = "Docker Engine"
    version: str
    api_version: str
    system: str
    os_type: str = "linux"
    architecture: str
    kernel: str
    address: str = "unix:///var/run/docker.sock"
    is_local: bool = True
    encryption: Literal["verified", "unverified", "none"] = "verified"
    cores: int
    memory_bytes: int
    components: tuple[Component, ...] = ()
    security: tuple[str, ...] = ()
    seccomp_profile: str = ""
    storage_driver: str = "overlay2"
    has_containerd_store: bool = False
    data_root: str = "/var/lib/docker"
    cgroup_version: str = "2"
    cgroup_driver: str = "systemd"
    missing_limits: tuple[str, ...] = ()
    has_live_restore: bool = False
    runtimes: dict[str, Runtime] = dataclasses.field(default_factory=dict)
    default_runtime: str = "runc"
    warnings: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MachineFacts:
    """What this machine says about itself, where the engine runs on it. None: it does not say.

    Attributes:
        can_write_cgroups: this process may make and read the cgroups of runs.
        steal_share: of CPU time since the start that the hypervisor gave to others, 0 to 1.
        load: runnable processes, mean of the last minute.
        runsc_program: where gVisor is installed, registered or not.
    """

    can_write_cgroups: bool
    swap_bytes: int
    memory_available_bytes: int
    physical_cores: int
    threads_per_core: int
    governors: tuple[str, ...] = ()
    has_turbo: bool | None = None
    clock_source: str | None = None
    is_virtual: bool = False
    steal_share: float | None = None
    load: float = 0.0
    data_root_free_bytes: int | None = None
    temp_folder: str = "/tmp"  # noqa: S108
    temp_free_bytes: int
    runsc_program: str | None = None
    runsc_version: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class HostFacts:
    """All of it. `machine` is None where the engine runs elsewhere: on another machine, or in a virtual one."""

    engine: EngineFacts
    machine: MachineFacts | None
