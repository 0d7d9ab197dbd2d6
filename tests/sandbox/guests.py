"""Programs for real containers: plain Python on the root image, and how to run one and see what came of it."""

from __future__ import annotations

import dataclasses
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker

from sandbox import Limits, Program, Questions, Result, Run, run
from sandbox.bases import ROOT_IMAGE
from sandbox.volumes import LABEL

MIB = 1024**2

TIGHT = Limits(
    memory_bytes=48 * MIB,
    pids=32,
    start_seconds=20,
    image_seconds=10,
    total_seconds=30,
    cpu_seconds=30,
    tmpfs_bytes=1 * MIB,
    tmpfs_inodes=32,
    shm_bytes=1 * MIB,
    output_bytes=1 * MIB,
    output_inodes=32,
    log_bytes=16 * 1024,
)
"""Small ceilings on what a program may take, long deadlines: each test tightens the one it is about."""

PRELUDE = """
import json, os, signal, struct, sys, time
def say(body, stream=1):
    message = struct.pack(">I", len(body)) + body
    while message:
        message = message[os.write(stream, message):]
def ready():
    say(b'{"parakh": 1, "ready": true}')
def exactly(count):
    got = b""
    while len(got) < count:
        more = os.read(0, count - len(got))
        if not more:
            return None
        got += more
    return got
def hear():
    header = exactly(4)
    return None if header is None else exactly(struct.unpack(">I", header)[0])
"""
"""The protocol from the guest's side, written from the contract alone."""

ECHO = "ready()\nwhile (question := hear()) is not None: say(question[::-1])"
"""A well-behaved program: answers each question with its bytes backwards."""


def python(code: str, **given: Any) -> Program:
    """A program that is Python source, PRELUDE first, on the root image."""
    return Program(image=ROOT_IMAGE, entrypoint=("python3", "-I", "-S", "-c", PRELUDE + code), **given)


@dataclasses.dataclass
class Answers:
    """Small questions, and everything that was answered."""

    total: int = 2
    question: Callable[[int], bytes] = lambda index: f"question {index}".encode()
    verdict: Callable[[int, bytes], str | None] = lambda index, answer: None
    given: dict[int, bytes] = dataclasses.field(default_factory=dict)

    def questions(self, **given: Any) -> Questions:
        def accept(index: int, answer: bytes) -> str | None:
            self.given[index] = answer
            return self.verdict(index, answer)

        return Questions(total=self.total, read=self.question, accept=accept, **given)


class Trial:
    """Runs programs and remembers their run ids, so that a fixture can look for what they left behind."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    def __call__(
        self,
        program: Program | str,
        limits: Limits = TIGHT,
        answers: Answers | None = None,
        **how: Any,
    ) -> Result:
        """Runs source code, or a program of another kind."""
        wanted = python(program) if isinstance(program, str) else program
        return run(wanted, limits, (answers or Answers()).questions(), self.how(**how))

    def how(self, **given: Any) -> Run:
        """A run with an id of its own."""
        self.ids.append(f"test-{uuid.uuid4().hex[:12]}")
        return Run(id=self.ids[-1], **given)

    def say(self, code: str, limits: Limits = TIGHT, **how: Any) -> str:
        """What a program said as its single answer: for looking around inside. Its log if it said nothing."""
        answers = Answers(total=1)
        result = self(f"ready()\nhear()\n{code}\nhear()", limits, answers, **how)
        assert result.verdict.ok, f"{result.verdict.sentence}\n{result.log.decode('utf-8', 'replace')}"
        return answers.given[0].decode()


def left_behind(client: docker.DockerClient, run_ids: list[str]) -> list[str]:
    """Containers, volumes and cgroups of these runs that still exist."""
    found: list[str] = []
    for run_id in run_ids:
        label: dict[str, str | list[str] | bool] = {"label": f"{LABEL}={run_id}"}
        found += [f"container {each.name}" for each in client.containers.list(all=True, filters=label)]
        found += [f"volume {each.name}" for each in client.volumes.list(filters=label)]
        for pattern in (f"*/parakh/{run_id}", f"parakh/{run_id}", f"**/parakh-{run_id.replace('-', '_')}.slice"):
            found += [f"cgroup {path}" for path in Path("/sys/fs/cgroup").glob(pattern)]
    return found


def volumes_of(client: docker.DockerClient) -> set[str]:
    """Names of all volumes there are: anonymous ones carry no label of ours."""
    return {str(volume.name) for volume in client.volumes.list() if "parakh-" not in str(volume.name)}


def until(holds: Callable[[], bool], seconds: float = 10) -> None:
    """Waits for something; AssertionError if it does not come to hold."""
    give_up = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < give_up, f"not within {seconds:g} s"
        time.sleep(0.05)
