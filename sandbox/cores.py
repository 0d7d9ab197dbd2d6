"""Exclusive CPU cores: no two runs on one host ever share one.

A core is a lock file; who holds the lock owns the core, and the kernel lets go of it when the holder dies, however it
dies. A container that still runs on a core whose lock was free has lost its worker: it is removed before the core is
given on. Waiting runs form a line, so that one that needs four cores is not overtaken for ever by those that need one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import docker

from sandbox.engine import engine_errors, is_local
from sandbox.errors import SandboxUnavailable
from sandbox.leftovers import remove_container

CORES_LABEL = "parakh.cores"
"""On each container: the cores it runs on, and the folder of locks they were taken from."""

PATIENCE_SECONDS = 3600.0
"""How long a run waits for its cores; it is still alive meanwhile, and can be cancelled."""

_POLL_SECONDS = 0.1
_SIBLINGS = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"


class Stopped(Exception):
    """The run was cancelled while it waited for its cores."""


def parse_cores(text: str) -> list[int]:
    """Core numbers of a cpuset list such as `0,2-3`.

    Raises:
        ValueError: it is no such list.
    """
    cores: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", part.strip(), re.ASCII)
        if match is None or int(match[2] or match[1]) < int(match[1]):
            raise ValueError(f"{text!r} is not a list of cores; write it like 0,2-3")
        cores.update(range(int(match[1]), int(match[2] or match[1]) + 1))
    return sorted(cores)


@contextlib.contextmanager
def reserve(
    client: docker.DockerClient,
    count: int,
    allowed: str | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[Cores]:
    """Waits for `count` cores of the engine's host, and owns them until the end.

    Args:
        allowed: cores to choose from, e.g. "2-3"; all that the host has where it is None.
        should_stop: asked ten times a second while waiting.

    Raises:
        SandboxUnavailable: the host has fewer cores, none became free within the patience, or there is no place for
            the locks.
        Stopped: `should_stop` said so.
    """
    with engine_errors("asking for the engine's cores"):
        present = range(int(client.info()["NCPU"]))
    usable = [core for core in (parse_cores(allowed) if allowed else present) if core in present]
    if count > len(usable):
        raise SandboxUnavailable(f"the limits ask for {count} cores and runs may use {len(usable)} of this host's")
    usable.sort(key=lambda core: (_place_among_siblings(client, core), -core))
    locks = _Locks(client)
    give_up = time.monotonic() + PATIENCE_SECONDS
    with contextlib.ExitStack() as held:
        with contextlib.ExitStack() as line:
            # Only the first in line looks for cores; those who choose among other cores stand in another line.
            _wait(lambda: locks.take(line, f"line-{min(usable)}-{max(usable)}"), should_stop, give_up)
            numbers = _wait(lambda: locks.take_cores(held, usable, count), should_stop, give_up)
        yield Cores(tuple(sorted(numbers)), locks.domain)


@dataclasses.dataclass(frozen=True, slots=True)
class Cores:
    """Cores that are ours for now.

    Attributes:
        numbers: ascending.
        domain: of the locks they were taken from.
    """

    numbers: tuple[int, ...]
    domain: str

    @property
    def cpuset(self) -> str:
        """As the engine takes them."""
        return ",".join(map(str, self.numbers))

    @property
    def label(self) -> dict[str, str]:
        """For the container that runs on them."""
        return {CORES_LABEL: f"{self.cpuset} {self.domain}"}


class _Locks:
    """The lock files for the cores of one engine's host."""

    def __init__(self, client: docker.DockerClient) -> None:
        self._client = client
        self._folder = _lock_folder()
        # The cores of a remote engine are not this machine's.
        self._host = "" if is_local(client) else hashlib.sha256(client.api.base_url.encode()).hexdigest()[:8] + "-"
        place = self._folder.stat()
        self.domain = f"{self._host}{place.st_dev:x}:{place.st_ino:x}"
        """Tells these locks from those of another folder, of which we can't know who holds them."""

    def take(self, stack: contextlib.ExitStack, name: str) -> bool:
        """Takes a lock until the stack closes; False if somebody has it."""
        path = self._folder / f"{self._host}{name}"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise SandboxUnavailable(
                f"the lock {path} can't be opened ({error.strerror}); give this user the right to, or set PARAKH_LOCKS"
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        stack.callback(os.close, descriptor)
        return True

    def take_cores(self, stack: contextlib.ExitStack, usable: list[int], count: int) -> list[int]:
        """Takes the first `count` free ones of `usable` until the stack closes, or none."""
        taken: list[int] = []
        with contextlib.ExitStack() as taking:
            for core in usable:
                with contextlib.ExitStack() as one:
                    if self.take(one, f"core-{core}") and not self._is_used(core):
                        taken.append(core)
                        taking.push(one.pop_all())
                if len(taken) == count:
                    stack.push(taking.pop_all())
                    return taken
        return []

    def _is_used(self, core: int) -> bool:
        """True if a container runs on a core whose lock is ours, and may do so.

        One whose lock lay in this folder has lost its worker, and is removed. Of others nothing is known: they stay.
        """
        used = False
        with engine_errors("looking for containers on a free core"):
            containers = self._client.api.containers(filters={"label": CORES_LABEL})
        for container in containers:
            cpuset, _, domain = container["Labels"][CORES_LABEL].partition(" ")
            try:
                is_here = core in parse_cores(cpuset)
            except ValueError:
                continue  # not of ours: anybody may give a container any label
            if not is_here:
                continue
            if domain == self.domain:
                remove_container(self._client, container["Id"])
            else:
                used = True
        return used


_T = TypeVar("_T")


def _wait(attempt: Callable[[], _T], should_stop: Callable[[], bool], give_up: float) -> _T:
    """The first result that is true.

    Raises:
        SandboxUnavailable: there was none until `give_up`, a time of the monotonic clock.
        Stopped: `should_stop` said so.
    """
    while not (result := attempt()):
        if should_stop():
            raise Stopped
        if time.monotonic() > give_up:
            raise SandboxUnavailable(
                f"not enough of this host's cores became free in {PATIENCE_SECONDS / 60:g} minutes; "
                "let fewer runs go at the same time here"
            )
        time.sleep(_POLL_SECONDS)
    return result


def _lock_folder() -> Path:
    """Where the locks are: the same for all users of this machine, so that their runs keep apart too."""
    shared = Path("/run/lock")
    usual = (shared if shared.is_dir() else Path(tempfile.gettempdir())) / "parakh"
    folder = Path(os.environ.get("PARAKH_LOCKS") or usual)
    try:
        if not folder.is_dir():
            folder.mkdir(parents=True)
            folder.chmod(0o777)  # not sticky: the kernel would keep other users from opening the files to lock them
    except FileExistsError:
        pass
    except OSError as error:
        raise SandboxUnavailable(f"{folder} can't be made ({error.strerror}); set PARAKH_LOCKS to a folder") from error
    return folder


def _place_among_siblings(client: docker.DockerClient, core: int) -> int:
    """0 for the first hardware thread of a physical core, 1 for the second: first threads are given out first."""
    try:
        siblings = parse_cores(Path(_SIBLINGS.format(core)).read_text().strip()) if is_local(client) else [core]
    except (OSError, ValueError):
        return 0
    return siblings.index(core) if core in siblings else 0
