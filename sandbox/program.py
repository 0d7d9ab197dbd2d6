"""What to run, what to ask it, and what came of it: the nouns of a run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import IO

from sandbox.curve import Sample
from sandbox.verdicts import Contract, Observation, Verdict


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run.

    Attributes:
        image: ID or name of an image the engine has; never pulled.
        entrypoint: replaces the image's own entry point and command.
        files: an uncompressed tar, rewound; seen read-only at /submission, which is then the working directory.
    """

    image: str
    entrypoint: tuple[str, ...] | None = None
    files: IO[bytes] | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """What the container is asked, one after the other.

    Attributes:
        total: how many.
        read: the bytes of question i (from 0); called when it is its turn, so only one is in memory.
        accept: takes the answer to question i; returns why it can't be accepted, or None.
        suffix: of the file names under the batch contract, e.g. ".jpg".
        score_size: (width, height) told to the container.
    """

    total: int
    read: Callable[[int], bytes]
    accept: Callable[[int, bytes], str | None]
    suffix: str = ".jpg"
    score_size: tuple[int, int] = (256, 128)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How to run it.

    Attributes:
        id: label of everything made for this run (letters, digits, hyphens), for the reaper.
        contract: "stream" or "batch".
        cores: to choose from, e.g. "2-7"; all of the host's where it is None. The run gets `limits.cpus` of them to
            itself, and waits for them if need be.
        on_progress: told the number of accepted answers; must be quick, it runs on the measuring clock.
        should_stop: asked 10 to 20 times a second, also while it waits; True ends the run as CANCELLED.
    """

    id: str
    contract: Contract = "stream"
    cores: str | None = None
    on_progress: Callable[[int], None] = lambda images_done: None
    should_stop: Callable[[], bool] = lambda: False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of it.

    Attributes:
        verdict: what the team reads.
        seen: the facts it was made of.
        start_seconds: the engine told to start the container, to the ready message; None if it never came.
        answering_seconds: first request byte to last response byte.
        latencies: seconds for each answer, in the order asked (`stream` only).
        throttled_seconds: how long the CPU quota held it back; None where not known.
        curve: what it used over time, in at most `curve.MOST_POINTS` points.
        log: head and tail of what it printed.
        engine: facts about the engine, its host, and the cores and runtime used.
    """

    verdict: Verdict
    seen: Observation
    start_seconds: float | None = None
    answering_seconds: float | None = None
    latencies: tuple[float, ...] = ()
    throttled_seconds: float | None = None
    curve: tuple[Sample, ...] = ()
    log: bytes = b""
    engine: dict[str, str | int | float] = dataclasses.field(default_factory=dict)
