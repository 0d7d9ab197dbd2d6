"""Files for and from a container without host paths, and without ever copying from or into one that runs untrusted.

Files go in through a volume that a trusted helper container fills; files come out of a sized tmpfs volume that a
trusted keeper container holds open until it is read. Neither touches the host's file system by path, so the worker
may be on another machine than the engine.
"""

from __future__ import annotations

import contextlib
import io
import tarfile
from collections.abc import Generator, Iterable, Iterator
from pathlib import PurePosixPath
from typing import IO, Any, cast

import docker
from docker.models.containers import Container

from sandbox.archives import Content
from sandbox.bases import ROOT_IMAGE
from sandbox.engine import engine_errors
from sandbox.errors import SandboxUnavailable, shown
from sandbox.limits import Limits

LABEL = "parakh.run"
NOBODY = 65534
"""User and group of every submission, whatever its image says."""


class UnreadableOutput(Exception):
    """A file in /output that is not a regular file, or is too large; the message names it."""


class _TooMuch(Exception):
    """The tar of /output is longer than /output can be: files with holes in them."""


def pack(files: Iterable[tuple[str, bytes | Content]], sink: IO[bytes]) -> None:
    """Writes files as an uncompressed tar that anybody may read and nobody may write; rewinds `sink`.

    What the files raise as they are read passes through.
    """
    made: set[str] = set()
    with tarfile.open(fileobj=sink, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in files:
            for directory in reversed([str(parent) for parent in PurePosixPath(name).parents][:-1]):
                if directory not in made:
                    made.add(directory)
                    entry = tarfile.TarInfo(directory)
                    entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                    tar.addfile(entry)
            source = io.BytesIO(content) if isinstance(content, bytes) else content
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content) if isinstance(content, bytes) else content.size, 0o444
            tar.addfile(entry, cast("IO[bytes]", source))  # it only reads
    sink.seek(0)


@contextlib.contextmanager
def input_volume(client: docker.DockerClient, run_id: str, what: str, files: IO[bytes]) -> Iterator[str]:
    """A volume holding the content of the tar `files`; gives its name, and removes it at the end.

    Raises:
        SandboxUnavailable: the engine failed.
    """
    name = f"parakh-{run_id}-{what}"
    with engine_errors("preparing the files of the run"):
        volume = client.volumes.create(name, labels={LABEL: run_id})
        helper = None
        try:
            helper = _helper(client, run_id, {name: {"bind": "/in", "mode": "rw"}})
            helper.put_archive("/in", files)
        except BaseException:
            _discard(helper)
            volume.remove(force=True)
            raise
        _discard(helper)
    try:
        yield name
    finally:
        with engine_errors("removing a volume"):
            volume.remove(force=True)


@contextlib.contextmanager
def output_volume(client: docker.DockerClient, run_id: str, limits: Limits) -> Iterator[OutputVolume]:
    """A tmpfs volume for /output, sized in bytes and files, gone at the end.

    Raises:
        SandboxUnavailable: the engine failed.
    """
    name = f"parakh-{run_id}-out"
    options = f"size={limits.output_bytes},nr_inodes={limits.output_inodes},uid={NOBODY},gid={NOBODY},mode=0755"
    keeper = None
    with engine_errors("preparing /output"):
        volume = client.volumes.create(
            name,
            driver="local",
            driver_opts={"type": "tmpfs", "device": "tmpfs", "o": f"{options},nosuid,nodev,noexec"},
            labels={LABEL: run_id},
        )
        try:
            keeper = _helper(client, run_id, {name: {"bind": "/out", "mode": "rw"}})
            # A tmpfs volume lives as long as some container has it mounted.
            keeper.start()
        except BaseException:
            _discard(keeper)
            volume.remove(force=True)
            raise
    try:
        yield OutputVolume(name, keeper, limits)
    finally:
        with engine_errors("removing /output"):
            _discard(keeper)
            volume.remove(force=True)


class OutputVolume:
    """The files a batch run left behind. Read it only after the submission's container is gone."""

    def __init__(self, name: str, keeper: Container, limits: Limits) -> None:
        self.name = name
        self._keeper = keeper
        self._limits = limits

    def is_full(self) -> bool:
        """True if no byte or no file more would fit.

        Raises:
            SandboxUnavailable: the engine failed.
        """
        # By exit code: what a quick command prints can get lost on the way.
        look = 'room=$(stat --file-system --format="%a %d" /out) || exit 2; case " $room " in *" 0 "*) exit 3;; esac'
        with engine_errors("asking for the room in /output"):
            code = self._keeper.exec_run(["sh", "-c", look]).exit_code
        if code not in (0, 3):
            raise SandboxUnavailable(f"the room in /output can't be read (exit code {code})")
        return bool(code == 3)

    def files(self, max_file_bytes: int) -> Iterator[tuple[str, bytes | UnreadableOutput]]:
        """The entries of /output: name and bytes, or why it can't be taken. Links are never followed. The first file
        that is too large is the last that is looked at: on a tmpfs, one of terabytes costs its writer nothing.

        Raises:
            SandboxUnavailable: the engine failed.
        """
        with engine_errors("reading /output"):
            chunks, _ = self._keeper.get_archive("/out", chunk_size=1024 * 1024)
            ceiling = self._limits.output_bytes + 2048 * self._limits.output_inodes
            # tarfile only needs read(); its stubs ask for a whole file object.
            source = cast("IO[bytes]", _Chunks(chunks, ceiling))
            with contextlib.closing(cast("Generator[bytes]", chunks)), tarfile.open(fileobj=source, mode="r|") as tar:
                try:
                    yield from _entries(tar, max_file_bytes)
                except _TooMuch:
                    yield "", UnreadableOutput(f"/output holds files of more than {self._limits.output_bytes} bytes")


def _entries(tar: tarfile.TarFile, max_file_bytes: int) -> Iterator[tuple[str, bytes | UnreadableOutput]]:
    for entry in tar:
        name = entry.name.removeprefix("out").lstrip("/")
        if not name:
            continue
        place = f"/output/{name}"
        if not entry.isreg():
            yield name, UnreadableOutput(f"{shown(place)} is {_kind(entry)}, not a regular file")
        elif entry.size > max_file_bytes:
            yield name, UnreadableOutput(f"{shown(place)} has {entry.size} bytes; at most {max_file_bytes}")
            return
        else:
            content = tar.extractfile(entry)
            yield name, content.read() if content else b""


def _helper(client: docker.DockerClient, run_id: str, volumes: dict[str, dict[str, str]]) -> Container:
    """A container of ours that holds volumes: no network, no capabilities, nothing to do."""
    return client.containers.create(
        ROOT_IMAGE,
        ["sleep", "infinity"],
        labels={LABEL: run_id},
        volumes=volumes,
        network_mode="none",
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        user=f"{NOBODY}:{NOBODY}",
        mem_limit="64m",
        pids_limit=16,
        log_config=docker.types.LogConfig(type="none"),
        stop_signal="SIGKILL",
    )


def _discard(container: Container | None) -> None:
    if container is not None:
        container.remove(force=True, v=True)


def _kind(entry: tarfile.TarInfo) -> str:
    kinds = {
        tarfile.SYMTYPE: "a symbolic link",
        tarfile.LNKTYPE: "a second name of another file",
        tarfile.DIRTYPE: "a directory",
        tarfile.FIFOTYPE: "a FIFO",
        tarfile.CHRTYPE: "a device",
        tarfile.BLKTYPE: "a device",
    }
    return kinds.get(entry.type, "something special")


class _Chunks:
    """Reads an iterator of chunks like a file, up to a ceiling."""

    def __init__(self, chunks: Iterator[bytes], ceiling: int) -> None:
        self._chunks = chunks
        self._left = ceiling
        self._buffer = b""

    def read(self, count: int = -1) -> bytes:
        while count < 0 or len(self._buffer) < count:
            chunk: Any = next(self._chunks, None)
            if chunk is None:
                break
            self._left -= len(chunk)
            if self._left < 0:
                raise _TooMuch
            self._buffer += chunk
        if count < 0:
            count = len(self._buffer)
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken
