"""What the kernel says the container used, sampled while it runs.

Each run has a parent cgroup of its own, so that CPU and memory counters are still readable when the container is
gone. Memory is anonymous + shared pages: the cgroup's own peak is mostly page cache (one program measured 441, 255,
192 and 170 MiB under limits of 512, 256, 192 and 170). Where this process can't read the engine's cgroups (Docker
Desktop, a remote engine), the engine's statistics are used: coarser, and the parent cgroup is left out.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol, TypeVar

import docker
import requests
from docker.errors import DockerException

CGROUP_ROOT = Path("/sys/fs/cgroup")
PARENT = "parakh"


@dataclasses.dataclass(frozen=True, slots=True)
class Usage:
    """One reading. Seconds, bytes, counts; None where it is not known."""

    cpu_seconds: float | None = None
    memory_bytes: int | None = None
    throttled_seconds: float | None = None
    oom_kills: int = 0
    pids_refused: int = 0
    pids_peak: int = 0

    def highest(self, other: Usage) -> Usage:
        """Field by field the larger one: counters only grow, memory becomes its peak."""
        return Usage(
            cpu_seconds=_larger(self.cpu_seconds, other.cpu_seconds),
            memory_bytes=_larger(self.memory_bytes, other.memory_bytes),
            throttled_seconds=_larger(self.throttled_seconds, other.throttled_seconds),
            oom_kills=max(self.oom_kills, other.oom_kills),
            pids_refused=max(self.pids_refused, other.pids_refused),
            pids_peak=max(self.pids_peak, other.pids_peak),
        )


class Meter(Protocol):
    """A source of readings for one container."""

    def read(self) -> Usage:
        """Usage so far; quick, and never raises."""

    def close(self) -> None:
        """Stops measuring and removes what measuring left behind. Call it after the container is removed."""


def cgroup_parent(client: docker.DockerClient, run_id: str) -> str | None:
    """The parent cgroup to create the container in, or None where its counters could not be read."""
    if not _is_local(client) or not os.access(CGROUP_ROOT, os.W_OK):
        return None
    if client.info().get("CgroupDriver") == "systemd":
        return f"{PARENT}-{run_id.replace('-', '_')}.slice"
    return f"/{PARENT}/{run_id}"


def open_meter(client: docker.DockerClient, container_id: str, parent: str | None) -> Meter:
    """The best meter there is for a container created under `parent`."""
    if parent is None:
        return _EngineMeter(client, container_id)
    if (CGROUP_ROOT / "cgroup.controllers").exists():
        return _CgroupV2Meter(_v2_path(parent))
    return _CgroupV1Meter(parent, container_id)


def _is_local(client: docker.DockerClient) -> bool:
    # What the SDK makes of a unix socket; ssh:// and tcp:// engines look different.
    return str(client.api.base_url) == "http+docker://localhost"


def _v2_path(parent: str) -> Path:
    if parent.endswith(".slice"):
        return CGROUP_ROOT / f"{PARENT}.slice" / parent
    return CGROUP_ROOT / parent.lstrip("/")


def cgroups_left() -> set[str]:
    """Ids of the runs whose parent cgroup is still there (with the systemd driver, `_` where the id has `-`)."""
    plain = {path.name for pattern in (f"{PARENT}/*", f"*/{PARENT}/*") for path in CGROUP_ROOT.glob(f"{pattern}/")}
    slices = {
        path.name.removeprefix(f"{PARENT}-").removesuffix(".slice").replace("_", "-")
        for path in CGROUP_ROOT.glob(f"{PARENT}.slice/{PARENT}-*.slice")
    }
    return plain | slices


def remove_cgroups(run_id: str) -> bool:
    """Removes the parent cgroup of a run; False if processes still live in it."""
    parents = [CGROUP_ROOT / PARENT / run_id, *CGROUP_ROOT.glob(f"*/{PARENT}/{run_id}")]
    parents.append(_v2_path(f"{PARENT}-{run_id.replace('-', '_')}.slice"))
    for parent in parents:
        _remove(parent)
    return not any(parent.exists() for parent in parents)


class _CgroupV1Meter:
    """Reads the parent's CPU and memory, and from the container's own cgroup what v1 does not hand up."""

    def __init__(self, parent: str, container_id: str) -> None:
        self._parent = parent.lstrip("/")
        self._container = container_id

    def read(self) -> Usage:
        own = Path(self._parent) / self._container
        cpu = _number(CGROUP_ROOT / "cpuacct" / self._parent / "cpuacct.usage")
        memory = CGROUP_ROOT / "memory"
        throttled = _table(CGROUP_ROOT / "cpu" / own / "cpu.stat").get("throttled_time")
        return Usage(
            cpu_seconds=None if cpu is None else cpu / 1e9,
            memory_bytes=_pages([memory / own, memory / self._parent], "total_rss", "total_shmem"),
            throttled_seconds=None if throttled is None else throttled / 1e9,
            oom_kills=_table(CGROUP_ROOT / "memory" / own / "memory.oom_control").get("oom_kill", 0),
            pids_refused=_table(CGROUP_ROOT / "pids" / own / "pids.events").get("max", 0),
            pids_peak=_number(CGROUP_ROOT / "pids" / self._parent / "pids.peak") or 0,
        )

    def close(self) -> None:
        for controller in _children(CGROUP_ROOT):
            _remove(controller / self._parent)


class _CgroupV2Meter:
    """On v2 every counter reaches the parent."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Usage:
        cpu = _table(self._path / "cpu.stat")
        # CPU is throttled where the quota is set: in the container's cgroup below ours.
        throttled = [_table(child / "cpu.stat").get("throttled_usec") for child in _children(self._path)]
        return Usage(
            cpu_seconds=cpu["usage_usec"] / 1e6 if "usage_usec" in cpu else None,
            memory_bytes=_pages([*_children(self._path), self._path], "anon", "shmem"),
            throttled_seconds=sum(t for t in throttled if t) / 1e6 if throttled else None,
            oom_kills=_table(self._path / "memory.events").get("oom_kill", 0),
            pids_refused=_table(self._path / "pids.events").get("max", 0),
        )

    def close(self) -> None:
        _remove(self._path)


class _EngineMeter:
    """The engine's statistics stream, about one reading a second, read by a thread of its own."""

    def __init__(self, client: docker.DockerClient, container_id: str) -> None:
        self._latest = Usage()
        self._closed = False
        self._thread = threading.Thread(target=self._follow, args=(client, container_id), daemon=True)
        self._thread.start()

    def read(self) -> Usage:
        return self._latest

    def close(self) -> None:
        self._closed = True
        self._thread.join(timeout=5)

    def _follow(self, client: docker.DockerClient, container_id: str) -> None:
        with contextlib.suppress(DockerException, requests.RequestException, OSError, ValueError):
            for sample in client.api.stats(container_id, decode=True):
                self._latest = self._latest.highest(_from_engine(sample))
                if self._closed:
                    return


def _from_engine(sample: dict[str, Any]) -> Usage:
    cpu = sample.get("cpu_stats", {})
    memory = sample.get("memory_stats", {}).get("stats", {})
    used = memory.get("total_rss", memory.get("anon"))
    shared = memory.get("total_shmem", memory.get("shmem", 0))
    nanoseconds = cpu.get("cpu_usage", {}).get("total_usage")
    throttled = cpu.get("throttling_data", {}).get("throttled_time")
    return Usage(
        cpu_seconds=nanoseconds / 1e9 if nanoseconds else None,
        memory_bytes=used + shared if used is not None else None,
        throttled_seconds=throttled / 1e9 if throttled is not None else None,
    )


_N = TypeVar("_N", int, float)


def _larger(one: _N | None, other: _N | None) -> _N | None:
    return max((value for value in (one, other) if value is not None), default=None)


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _table(path: Path) -> dict[str, int]:
    """A `key value` file of the kernel; empty where the cgroup has gone."""
    try:
        lines = path.read_text().split("\n")
    except OSError:
        return {}
    return {key: int(value) for key, _, value in (line.partition(" ") for line in lines) if value.isdigit()}


def _pages(cgroups: Iterable[Path], anonymous: str, shared: str) -> int | None:
    """Anonymous + shared pages, the largest of what these cgroups say.

    The container's own figure comes first: the kernel sums up a parent's only now and then, and not at all while news
    of the child waits to be read (in 100 runs of a program of 24 MiB the parent never passed 2 MiB in 2, the child's
    own figure was right in all).
    """
    tables = [_table(cgroup / "memory.stat") for cgroup in cgroups]
    return max((t[anonymous] + t.get(shared, 0) for t in tables if anonymous in t), default=None)


def _children(path: Path) -> Iterator[Path]:
    try:
        yield from (child for child in path.iterdir() if child.is_dir())
    except OSError:
        return


def _remove(cgroup: Path) -> None:
    """Removes a cgroup and those below it; a cgroup that still has processes stays for the reaper."""
    for child in _children(cgroup):
        _remove(child)
    with contextlib.suppress(OSError):
        cgroup.rmdir()
