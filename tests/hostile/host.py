"""What a run may leave behind, looked for after it: on the engine, on its host, and in the worker's own process.

Others may use the same engine at the same time. So what is looked for carries the run's id or the id of one of its
containers, or belongs to nothing that lives; and what is found must stay found for a while before it counts.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import docker

from sandbox.bases import ROOT_IMAGE
from sandbox.engine import connect
from sandbox.images import UPLOADS
from sandbox.volumes import LABEL
from tests.sandbox.guests import left_behind

PATIENCE_SECONDS = 10
CANARY = f"parakh-test/canary-{os.getpid()}:latest"
"""An image of another team, with something private in it and a name that is not to be moved."""


@dataclasses.dataclass(frozen=True)
class Before:
    """What there was."""

    moment: float
    images: frozenset[str]
    volumes: frozenset[str]
    tags: dict[str, str]
    handles: int
    threads: int
    memory: int


class Host:
    """The engine and, where it is this machine's, the machine."""

    def look(self) -> Before:
        """Takes note of what there is, before a case."""
        with contextlib.closing(connect()) as client:
            tags = _tags(client)
            images, volumes = frozenset(_images(client)), frozenset(_volumes(client))
        gc.collect()
        return Before(
            moment=time.time(),
            images=images,
            volumes=volumes,
            tags={tag: image for tag, image in tags.items() if tag in (CANARY, ROOT_IMAGE)},
            handles=_handles(),
            threads=_threads(),
            memory=_reset_peak(),
        )

    def left(self, before: Before, run_ids: list[str], images: set[str], scratch: Path) -> list[str]:
        """What is left of these runs, in words; empty if all is as it was. Waits for what is just going.

        Args:
            images: ids of the images that were loaded for them.
            scratch: where the worker made its temporary files.
        """
        give_up = time.monotonic() + PATIENCE_SECONDS
        while found := self._found(before, run_ids, images, scratch):
            if time.monotonic() > give_up:
                break
            time.sleep(0.1)
        return found

    def _found(self, before: Before, run_ids: list[str], images: set[str], scratch: Path) -> list[str]:
        try:
            return [*self._in_the_worker(before, scratch), *self._on_the_engine(before, run_ids, images)]
        except FileNotFoundError as error:  # somebody's cgroup went while we looked; the next look will tell
            return [f"{error.filename}, which was just going"]

    def _in_the_worker(self, before: Before, scratch: Path) -> Iterator[str]:
        gc.collect()
        yield from (f"file {name}" for name in os.listdir(scratch))
        if _handles() > before.handles:
            yield f"{_handles() - before.handles} open files of the worker: {_open_files()}"
        if _threads() > before.threads:
            yield f"threads of the worker: {[thread.name for thread in threading.enumerate()]}"

    def _on_the_engine(self, before: Before, run_ids: list[str], images: set[str]) -> Iterator[str]:
        with contextlib.closing(connect()) as client:
            yield from left_behind(client, run_ids)
            tags = _tags(client)
            yield from (f"upload {UPLOADS}:{run_id}" for run_id in run_ids if f"{UPLOADS}:{run_id}" in tags)
            yield from (f"name {tag} moved" for tag, image in before.tags.items() if tags.get(tag) != image)
            yield from (f"image {image}" for image in images & _images(client) - before.images)
            alive = client.api.containers(all=True)
            used = {mount.get("Name") for each in alive for mount in each["Mounts"]}
            unused = _volumes(client) - before.volumes - used
            yield from (f"anonymous volume {name}" for name in unused if "parakh-" not in name)
            if str(client.api.base_url) == "http+docker://localhost" and Path("/proc/mounts").exists():
                ours = [*run_ids, *_containers_of(client, run_ids, before.moment)]
                yield from _on_the_host(ours)


def _on_the_host(ours: list[str]) -> Iterator[str]:
    for line in Path("/proc/mounts").read_text().splitlines():
        if any(each in line for each in ours):
            yield f"mount {line.split()[1]}"
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            cgroups = (process / "cgroup").read_text()
        except OSError:
            continue
        if any(each in cgroups or each in command for each in ours):
            yield f"process {process.name}: {command[:120]}"


def _containers_of(client: docker.DockerClient, run_ids: list[str], since: float) -> set[str]:
    """Ids of the containers there were, from the engine's own diary."""
    found: set[str] = set()
    for run_id in run_ids:
        events = client.events(
            since=f"{since - 1:.6f}", until=f"{time.time():.6f}", decode=True,
            filters={"type": "container", "event": "create", "label": f"{LABEL}={run_id}"},
        )  # fmt: skip
        with contextlib.closing(events):
            found |= {event["Actor"]["ID"] for event in events}
    return found


def _images(client: docker.DockerClient) -> set[str]:
    return {each["Id"] for each in client.api.images(all=True)}


def _tags(client: docker.DockerClient) -> dict[str, str]:
    return {tag: each["Id"] for each in client.api.images() for tag in each["RepoTags"] or ()}


def _volumes(client: docker.DockerClient) -> set[str]:
    return {each["Name"] for each in client.api.volumes()["Volumes"] or ()}


def _handles() -> int:
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


def _open_files() -> list[str]:
    found = []
    for handle in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{handle}"))
        except OSError:
            continue
    return found


def _threads() -> int:
    return len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else threading.active_count()


def _reset_peak() -> int:
    """Forgets this process's peak of resident memory, and gives what it has now; 0 where the kernel doesn't say."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return 0
    return peak_memory()


def peak_memory() -> int:
    """Peak of resident memory since the last look, in bytes; 0 where the kernel doesn't say."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:")), 0)
