"""The cgroups of runs, on version 1 and 2, with either driver of the engine.

Each run has a parent cgroup of its own (`/parakh/RUN`, or `parakh-RUN.slice` with the systemd driver) in which the
engine makes the container's: its counters can still be read when the container is gone, and its processes be found.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import docker

from sandbox.engine import is_local

ROOT = Path("/sys/fs/cgroup")
PARENT = "parakh"

_KILL_SECONDS = 5.0


def prepare_parent(client: docker.DockerClient, run_id: str) -> str | None:
    """The parent cgroup to create the run's container in; None where this process can't read the engine's cgroups."""
    if not is_local(client) or not os.access(ROOT, os.W_OK):
        return None
    if client.info().get("CgroupDriver") == "systemd":
        return f"{PARENT}-{run_id.replace('-', '_')}.slice"
    parent = f"{PARENT}/{run_id}"
    _give_cores(ROOT / "cpuset", parent)
    return f"/{parent}"


def _give_cores(controller: Path, parent: str) -> None:
    """On version 1 a new cpuset has no cores. runc fills in those above it; runsc leaves that to us, and fails."""
    above = controller
    with contextlib.suppress(OSError):
        for part in Path(parent).parts if (above / "cpuset.cpus").exists() else ():
            (above / part).mkdir(exist_ok=True)
            for setting in ("cpuset.cpus", "cpuset.mems"):
                if not (above / part / setting).read_text().strip():
                    (above / part / setting).write_text((above / setting).read_text())
            above /= part


def is_version_2() -> bool:
    """True where the kernel has one hierarchy for all controllers."""
    return (ROOT / "cgroup.controllers").exists()


def path_v2(parent: str) -> Path:
    """Where version 2 has the parent cgroup that `prepare_parent` named."""
    if parent.endswith(".slice"):
        return ROOT / f"{PARENT}.slice" / parent
    return ROOT / parent.lstrip("/")


def runs_left() -> set[str]:
    """Ids of the runs whose parent cgroup is still there (with the systemd driver, `-` for every `_`)."""
    plain = {path.name for pattern in (f"{PARENT}/*", f"*/{PARENT}/*") for path in ROOT.glob(f"{pattern}/")}
    slices = {
        path.name.removeprefix(f"{PARENT}-").removesuffix(".slice").replace("_", "-")
        for path in ROOT.glob(f"{PARENT}.slice/{PARENT}-*.slice")
    }
    return plain | slices


def remove(run_id: str) -> bool:
    """Removes the parent cgroups of a run; False if processes still live in one."""
    for parent in _parents(run_id):
        _remove(parent)
    return not _parents(run_id)


def kill_run(run_id: str) -> bool:
    """Kills every process of a run, whatever the engine thinks of it. True if there was one and all are gone."""
    return _kill(_parents(run_id))


def kill_container(container_id: str) -> bool:
    """Kills every process of a run's container. True if there was one and all are gone."""
    places = (f"{PARENT}/*/{container_id}", f"*/{PARENT}/*/{container_id}")
    scope = f"{PARENT}.slice/*/docker-{container_id}.scope"
    return _kill([path for pattern in (*places, scope) for path in ROOT.glob(pattern)])


def children(cgroup: Path) -> Iterator[Path]:
    """The cgroups directly below one; none where it has gone."""
    try:
        yield from (child for child in cgroup.iterdir() if child.is_dir())
    except OSError:
        return


def _parents(run_id: str) -> list[Path]:
    parents = [ROOT / PARENT / run_id, *ROOT.glob(f"*/{PARENT}/{run_id}")]
    parents.append(path_v2(f"{PARENT}-{run_id.replace('-', '_')}.slice"))
    return [parent for parent in parents if parent.exists()]


def _kill(cgroups: list[Path]) -> bool:
    found = False
    give_up = time.monotonic() + _KILL_SECONDS
    # A program that forks as fast as we kill is held by its pid limit; one more look finds the rest.
    while processes := {process for cgroup in cgroups for process in _processes(cgroup)}:
        if time.monotonic() > give_up:
            return False
        found = True
        for process in processes:
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.02)
    return found


def _processes(cgroup: Path) -> Iterator[int]:
    """Of a cgroup and those below it. 0, a process of another pid namespace than ours, is left out."""
    with contextlib.suppress(OSError):
        yield from filter(None, map(int, (cgroup / "cgroup.procs").read_text().split()))
    for child in children(cgroup):
        yield from _processes(child)


def _remove(cgroup: Path) -> None:
    """Removes a cgroup and those below it; one that still has processes stays for the next sweep."""
    for child in children(cgroup):
        _remove(child)
    with contextlib.suppress(OSError):
        cgroup.rmdir()
