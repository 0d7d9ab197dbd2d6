"""What a run costs beside the program itself, and what twenty of them leave behind."""

from __future__ import annotations

import contextlib
import gc
import os
import struct
import subprocess
import threading
import uuid
from pathlib import Path

from sandbox import Limits, Program, Questions, Run, run
from sandbox.bases import ROOT_IMAGE
from sandbox.engine import connect
from tests.bench.rows import Row, best
from tests.sandbox.guests import PRELUDE

IMAGES = 204
QUESTION = os.urandom(30_000)
WORK = "ready()\nwhile (question := hear()) is not None: time.sleep(0.02); say(bytes(32000))"
"""A model of 20 ms an image, 30 kB in and 32 kB out."""

COMMAND = ("python3", "-I", "-S", "-c", PRELUDE + WORK)
LIMITS = Limits(total_seconds=120)


def run_rows() -> list[Row]:
    """A run under all limits, against `docker run -i` without any, fed by a loop."""
    ours, by_hand = best(_ours, _by_hand, rounds=5)
    took = f"{ours:.2f} s / {by_hand:.2f} s for {IMAGES} images"
    memory, things = _growth(20)
    return [
        Row("a run, more than `docker run -i` and a loop, in seconds", took, ours - by_hand, "at most +0.5 s",
            ours - by_hand <= 0.5),
        Row("  the same as a ratio", took, ours / by_hand, "at most 1.1 x", ours / by_hand <= 1.1),
        Row("20 runs in a row: growth of memory, MiB", "after 3 to warm up", memory, "at most 4 MiB",
            memory <= 4),
        Row("  of descriptors, threads, processes, engine objects, files", str(things), sum(things), "0",
            not any(things)),
    ]  # fmt: skip


def _ours(images: int = IMAGES) -> None:
    questions = Questions(total=images, read=lambda index: QUESTION, accept=lambda index, answer: None)
    result = run(
        Program(image=ROOT_IMAGE, entrypoint=COMMAND), LIMITS, questions, Run(id=f"bench-{uuid.uuid4().hex[:8]}")
    )
    assert result.verdict.ok, result.verdict.sentence


def _by_hand() -> None:
    """The shortest way there is; `--rm` included, since we remove it too."""
    command = ["docker", "run", "-i", "--rm", "--network=none", ROOT_IMAGE, *COMMAND]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def hear() -> bytes:
            assert process.stdout is not None
            (length,) = struct.unpack(">I", process.stdout.read(4))
            return process.stdout.read(length)

        hear()
        for _ in range(IMAGES):
            process.stdin.write(struct.pack(">I", len(QUESTION)) + QUESTION)
            process.stdin.flush()
            hear()
        process.stdin.close()
    assert process.returncode == 0


def _growth(times: int) -> tuple[float, list[int]]:
    for _ in range(3):
        _ours(2)
    before, memory = _things(), _memory()
    for _ in range(times):
        _ours(2)
    after = _things()
    return (_memory() - memory) / 1024**2, [new - old for old, new in zip(before, after, strict=True)]


def _memory() -> int:
    """Resident bytes of this process."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _things() -> tuple[int, ...]:
    """Numbers of descriptors and threads here, of nobody's processes, of the engine's objects, of its files."""
    with contextlib.closing(connect()) as client:
        objects = len(client.containers.list(all=True)) + len(client.volumes.list()) + len(client.images.list(all=True))
        root = Path(client.info()["DockerRootDir"])
    folders = sum(len(list((root / name).glob("*"))) for name in ("overlay2", "volumes", "containers"))
    nobody = sum(_owner(path) == 65534 for path in Path("/proc").glob("[0-9]*"))
    return len(os.listdir("/proc/self/fd")), threading.active_count(), nobody, objects, folders


def _owner(path: Path) -> int | None:
    try:
        return path.stat().st_uid
    except OSError:
        return None
