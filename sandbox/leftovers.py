"""Removing what runs leave: one's own container at its end, and everything of runs whose worker is gone.

The engine is not trusted to manage: a runtime that hangs makes it hang too (seen with gVisor). So every call has a
deadline, and the processes of a run are found and killed through its cgroup where the engine can't or won't.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import docker
from docker.errors import APIError, NotFound

from sandbox import cgroups
from sandbox.engine import connect, engine_errors, is_local, patience
from sandbox.errors import SandboxUnavailable
from sandbox.images import UPLOADS
from sandbox.volumes import LABEL

_RUNTIME_PROGRAMS = r"(?:.*/)?(?:runsc(?:-sandbox|-gofer)?|containerd-shim[a-z0-9-]*)"

KILL_SECONDS = REMOVE_SECONDS = 30.0
"""How long the engine may take to end or remove a container before its processes are killed over its head."""


def kill_container(client: docker.DockerClient, container_id: str) -> None:
    """Ends a container at once, and returns when it has ended; does nothing where it has ended already.

    Raises:
        SandboxUnavailable: neither the engine nor we could.
    """
    try:
        with patience(client, KILL_SECONDS), engine_errors("killing the container"):
            client.api.kill(container_id, "SIGKILL")
            client.api.wait(container_id, timeout=int(KILL_SECONDS))
    except SandboxUnavailable as error:
        cause = error.__cause__
        is_over = isinstance(cause, APIError) and cause.status_code in (404, 409)
        if not is_over and not (is_local(client) and cgroups.kill_container(container_id)):
            raise


def remove_container(client: docker.DockerClient, container_id: str) -> None:
    """Kills and removes a container with its anonymous volumes; does nothing where it has gone.

    Raises:
        SandboxUnavailable: the engine did not manage, not even once the container's processes were killed for it.
    """
    try:
        _remove(client, container_id)
    except SandboxUnavailable:
        if not (is_local(client) and cgroups.kill_container(container_id)):
            raise
        _remove(client, container_id)


def _remove(client: docker.DockerClient, container_id: str) -> None:
    with patience(client, REMOVE_SECONDS), engine_errors("removing the container"), contextlib.suppress(NotFound):
        client.api.remove_container(container_id, force=True, v=True)


def end_processes(run_id: str) -> bool:
    """Kills what still lives in the cgroups of a run, and removes them; the engine can forget a process (seen with one
    that had its father trace it). False if something is still there."""
    return cgroups.remove(run_id) or (cgroups.kill_run(run_id) and cgroups.remove(run_id))


def sweep(prefix: str, live: Collection[str]) -> list[str]:
    """Removes what dead workers left behind: containers, volumes, images, processes and cgroups of their runs.

    Args:
        prefix: of the run ids to look at. Others on the same engine (another site, a local evaluation) are let be.
        live: run ids that somebody still works on; asked for each id after a leftover of it was seen.

    Returns:
        What was removed, for the log.

    Raises:
        SandboxUnavailable: the engine failed; processes and cgroups of dead runs are gone all the same.
    """

    def is_left_over(run_id: str) -> bool:
        return run_id.startswith(prefix) and run_id not in live

    removed = _sweep_processes(is_left_over)
    client = connect()
    with contextlib.closing(client):
        removed += _sweep_engine(client, is_left_over)
        if is_local(client):
            removed += _kill_strays(client)
    return removed + [f"cgroup of {run}" for run in cgroups.runs_left() if is_left_over(run) and cgroups.remove(run)]


_IsLeftOver = Callable[[str], bool]


def _sweep_processes(is_left_over: _IsLeftOver) -> list[str]:
    """Before the engine is asked for anything: it may hang on the very processes that have to go."""
    return [f"processes of {run}" for run in cgroups.runs_left() if is_left_over(run) and cgroups.kill_run(run)]


def _sweep_engine(client: docker.DockerClient, is_left_over: _IsLeftOver) -> list[str]:
    removed = []
    with engine_errors("sweeping up after dead workers"):
        for container in client.containers.list(all=True, filters={"label": LABEL}, ignore_removed=True):
            if is_left_over(container.labels[LABEL]):
                remove_container(client, str(container.id))
                removed.append(f"container {container.name}")
        for volume in client.volumes.list(filters={"label": LABEL}):
            if is_left_over(volume.attrs["Labels"][LABEL]):
                with contextlib.suppress(NotFound):  # another worker may sweep at the same time
                    volume.remove(force=True)
                    removed.append(f"volume {volume.name}")
        for image in client.images.list(UPLOADS):
            for tag in image.tags:
                if tag.startswith(f"{UPLOADS}:") and is_left_over(tag.removeprefix(f"{UPLOADS}:")):
                    with contextlib.suppress(NotFound):
                        client.images.remove(tag)
                        removed.append(f"image {tag}")
    return removed


def end_runtime(client: docker.DockerClient, container_id: str) -> None:
    """Kills what a runtime still does for a container that was removed: with runsc each failed start leaves a shim."""
    if is_local(client):
        _kill_runtime(lambda other: other == container_id)


def _kill_strays(client: docker.DockerClient) -> list[str]:
    """Kills gVisor processes of containers the engine does not list any more: a hung one can outlive its removal."""
    found = {container_id for _, container_id in _runtime_processes()}
    with engine_errors("listing containers"):
        forgotten = found - {container["Id"] for container in client.api.containers(all=True)}
    return _kill_runtime(lambda container_id: container_id in forgotten)


def _kill_runtime(is_over: Callable[[str], bool]) -> list[str]:
    killed = []
    for process, container_id in _runtime_processes():
        if is_over(container_id):
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGKILL)
                killed.append(f"process {process} of runsc")
    return killed


def _runtime_processes() -> Iterator[tuple[int, str]]:
    """Process and container id of shims and of whatever runsc does. The engine lists a container before it has any."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (folder / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
            if not re.fullmatch(_RUNTIME_PROGRAMS, command[0]) or "moby" not in " ".join(command):
                continue
            ids = [word for word in command if re.fullmatch("[0-9a-f]{64}", word)]
            if ids:
                yield int(folder.name), ids[-1]
