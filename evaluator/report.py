"""What an evaluation found: the verdict, the scores, the measurements, the log. JSON-ready."""

from __future__ import annotations

import dataclasses
from typing import Any

from evaluator.metrics import Scores
from sandbox import Limits, Sample, Verdict


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Measurements:
    """What the run cost. Seconds and bytes; None where this host or contract can't measure it.

    Attributes:
        start_seconds: container start to the ready message.
        latency_median_seconds, latency_p90_seconds: over images, from before the first byte of a request is written
            to after the last byte of its response is read (monotonic clock; `stream` contract only).
        latencies: each image's latency in the order they were asked.
        total_seconds: container start to its end, wall clock.
        answering_seconds: first request byte to last response byte.
        cpu_seconds: CPU time of all its processes.
        memory_peak_bytes: highest sample of anonymous + shared memory.
        throttled_seconds: time the CPU quota held it back.
        curve: CPU time, memory and answers over time.
        image_bytes: size of the container image's own layers, or of the unpacked code.
    """

    start_seconds: float | None = None
    latency_median_seconds: float | None = None
    latency_p90_seconds: float | None = None
    latencies: tuple[float, ...] = ()
    total_seconds: float | None = None
    answering_seconds: float | None = None
    cpu_seconds: float | None = None
    memory_peak_bytes: int | None = None
    throttled_seconds: float | None = None
    curve: tuple[Sample, ...] = ()
    image_bytes: int | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The whole result of one evaluation.

    Attributes:
        verdict: code, sentence, advice, flags.
        scores: None unless the verdict is OK.
        seed: of the order in which the images were asked.
        images_done, images_total: answered and asked for.
        log: what the container wrote to stderr: head and tail, at most `Limits.log_bytes`, undecodable bytes replaced.
        limits: the limits it ran under.
        host: facts about the machine and the engine.
    """

    verdict: Verdict
    scores: Scores | None
    measurements: Measurements
    images_done: int
    images_total: int
    seed: int
    log: str
    limits: Limits
    host: dict[str, str | int | float]

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON-ready values; `scores` as `Scores.as_dict` writes them."""
        return {
            "verdict": self.verdict.code.value,
            "sentence": self.verdict.sentence,
            "advice": self.verdict.advice,
            "flags": [flag.value for flag in self.verdict.flags],
            "scores": self.scores.as_dict() if self.scores else None,
            "measurements": dataclasses.asdict(self.measurements),
            "images_done": self.images_done,
            "images_total": self.images_total,
            "seed": self.seed,
            "log": self.log,
            "limits": self.limits.as_dict(),
            "host": self.host,
        }
