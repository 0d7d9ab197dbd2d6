"""What every step of a build needs: a place of its own, programs on this machine, containers, tars."""

from __future__ import annotations

import collections
import contextlib
import fcntl
import os
import platform
import re
import shutil
import signal
import subprocess
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import docker
from docker.models.containers import Container

from sandbox.bases import ROOT_IMAGE
from sandbox.errors import SandboxError, SandboxUnavailable

Say = Callable[[str], None]

BUILD_LABEL = "parakh.build"
STEP_SECONDS = 900


class BuildFailed(SandboxError):
    """A base image could not be built; the message says what to do."""


@contextlib.contextmanager
def workplace(say: Say) -> Iterator[Path]:
    """The cache directory, for one build at a time, with an empty `scratch/` in it that is gone afterwards.

    The lock is the kernel's: it ends with the build, and with the programs that the build has started, whatever dies.
    """
    place = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "parakh"
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w") as lock:
        os.set_inheritable(lock.fileno(), True)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another build on this machine")
            fcntl.flock(lock, fcntl.LOCK_EX)
        scratch = place / "scratch"
        shutil.rmtree(scratch, ignore_errors=True)  # of a build that was killed
        scratch.mkdir()
        try:
            yield place
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def owner(place: Path) -> str:
    """What a build container's label says: only the build that holds this place's lock may remove it."""
    return f"{platform.node()}:{place}"


@contextlib.contextmanager
def container_for(
    client: docker.DockerClient, place: Path, script: str, image: str = ROOT_IMAGE
) -> Iterator[Container]:
    """A container of ours that has not run yet; removed afterwards. Those that a killed build left go first."""
    label = f"{BUILD_LABEL}={owner(place)}"
    for left in client.containers.list(all=True, filters={"label": label}, ignore_removed=True):
        left.remove(force=True, v=True)
    network = "none" if image == ROOT_IMAGE else "bridge"
    container = None
    # Whoever stops the build between the engine's "created" and ours would leave the container behind.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        container = client.containers.create(
            image, ["sh", "-c", script], network_mode=network, labels={BUILD_LABEL: owner(place)}
        )
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        yield container
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        if container is not None:
            container.remove(force=True, v=True)


def finish(container: Container) -> None:
    """Runs one of our own build containers to its end.

    Raises:
        SandboxUnavailable: it failed, with the end of its log.
    """
    container.start()
    code = container.wait(timeout=STEP_SECONDS)["StatusCode"]
    if code != 0:
        said = container.logs(tail=15).decode("utf-8", "replace")
        raise SandboxUnavailable(f"a build step ended with exit code {code}: {said}")


@contextlib.contextmanager
def as_tar(directory: Path, below: str = "") -> Iterator[IO[bytes]]:
    """A directory as a tar stream, owned by root, without a copy on disk.

    Raises:
        OSError: a file could not be read; whatever took the stream got only a part of it.
    """
    reading, writing = os.pipe()
    failures: list[OSError] = []

    def owned_by_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        return entry

    def write() -> None:
        try:
            with (
                contextlib.suppress(BrokenPipeError),
                os.fdopen(writing, "wb") as sink,
                tarfile.open(fileobj=sink, mode="w|", format=tarfile.PAX_FORMAT) as tar,
            ):
                tar.add(directory, arcname=below or ".", filter=owned_by_root)
        except OSError as error:
            failures.append(error)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    with os.fdopen(reading, "rb") as source:
        yield source
    writer.join()
    if failures:
        raise failures[0]


def execute(command: list[str], advice: str, say: Say | None = None) -> None:
    """Runs a program to its end; `say` is told pip's downloads, and how far they are every other second.

    Raises:
        BuildFailed: `advice`, and the end of what the program said.
    """
    said: collections.deque[str] = collections.deque(maxlen=20)
    next_word = time.monotonic() + 2
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
        close_fds=False,  # so that it holds the lock for as long as it lives
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                progress = re.match(r"Progress (\d+) of (\d+)", line)
                if progress and say and time.monotonic() > next_word:
                    say(f"  {int(progress[1]) / 1e6:.0f} of {int(progress[2]) / 1e6:.0f} MB")
                    next_word = time.monotonic() + 2
                elif say and line.strip().startswith("Downloading "):
                    say(line.strip())
                if not progress:
                    said.append(line)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode != 0:
        raise BuildFailed(f"{advice}\n{''.join(said)}".strip())
