"""The whole evaluation: admit, run, score, report. The worker calls it, and so does a participant's own machine.

Predictions that were made elsewhere run nowhere: see offline.py.
"""

from __future__ import annotations

import contextlib
import dataclasses
import platform
import secrets
import statistics
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import numpy as np

from evaluator.archives import pack_code
from evaluator.datasets import Dataset
from evaluator.errors import SubmissionError, faults_are_ours
from evaluator.metrics import LabelMap, scores
from evaluator.predictions import Predictions
from evaluator.report import Measurements, Report
from sandbox import (
    CODE_ENTRYPOINT,
    BadImage,
    Contract,
    Limits,
    Observation,
    Program,
    Result,
    Run,
    SandboxUnavailable,
    base_image,
    images,
    run,
    verdict,
)

Kind = Literal["code", "image"]
Stage = Literal["admitting", "running", "scoring"]


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """How far an evaluation is."""

    stage: Stage
    images_done: int
    images_total: int


def evaluate(
    submission: Path | str,
    dataset: Dataset,
    limits: Limits,
    *,
    kind: Kind | None = None,
    base: str = "pytorch",
    contract: Contract = "stream",
    seed: int | None = None,
    cores: str | None = None,
    run_id: str | None = None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    on_answer: Callable[[int, LabelMap], None] = lambda index, labels: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Report:
    """Evaluates one submission on one data set under limits.

    Args:
        submission: a code directory, a code zip, an image tar, or the name of an image the engine has.
        kind: "code" or "image"; told from the submission where it is None.
        base: the base image of a code submission.
        seed: of the order of the images; drawn where it is None.
        cores, run_id: see `sandbox.Run`.
        on_progress: told each stage and each answered image; must be quick.
        on_answer: given each answer that is scored, at scoring size, with its place in the data set; must be quick.
        should_stop: asked some 20 times a second; True ends the evaluation as CANCELLED.

    Returns:
        The report. Whatever is wrong with the submission is a verdict in it, an archive that can't be read included.

    Raises:
        PlatformError: we failed; the evaluation says nothing about the submission.
    """
    seed = secrets.randbits(48) if seed is None else seed
    total = len(dataset)
    predictions = Predictions(dataset, dataset.order(seed), on_answer)
    how = Run(
        id=run_id or f"local-{uuid.uuid4().hex[:12]}",
        contract=contract,
        cores=cores,
        on_progress=lambda done: on_progress(Progress("running", done, total)),
        should_stop=should_stop,
    )
    with faults_are_ours():
        on_progress(Progress("admitting", 0, total))
        try:
            with _admitted(submission, kind or guess_kind(submission), base, limits, how.id) as (program, image_bytes):
                on_progress(Progress("running", 0, total))
                result = run(program, limits, predictions.questions(), how)
        except (SubmissionError, BadImage) as error:
            return _rejected(str(error), limits, total, seed)
        on_progress(Progress("scoring", total, total))
        return Report(
            verdict=result.verdict,
            scores=scores(predictions.confusions) if result.verdict.ok else None,
            measurements=_measurements(result, image_bytes),
            images_done=result.seen.images_done,
            images_total=total,
            seed=seed,
            log=result.log.decode("utf-8", "replace"),
            limits=limits,
            host={"name": platform.node(), **result.engine},
        )


def guess_kind(submission: Path | str) -> Kind:
    """Code for a directory or a zip; else an image."""
    path = Path(submission)
    if path.is_dir():
        return "code"
    if path.is_file():
        with path.open("rb") as file:
            return "code" if file.read(2) == b"PK" else "image"
    return "image"


@contextlib.contextmanager
def _admitted(
    submission: Path | str, kind: Kind, base: str, limits: Limits, run_id: str
) -> Iterator[tuple[Program, int]]:
    """Makes a submission into a program the sandbox can run, and its size in bytes; cleans up at the end.

    Raises:
        SubmissionError, BadImage: it can't be run as it is.
        SandboxUnavailable: the engine failed.
    """
    if kind == "code":
        with tempfile.TemporaryFile(prefix="parakh-code-") as files:
            unpacked = pack_code(Path(submission), limits, files)
            yield Program(image=_base(base), entrypoint=CODE_ENTRYPOINT, files=files), unpacked
    elif Path(submission).is_file():
        tar = images.inspect(Path(submission), limits)
        try:
            yield Program(image=images.load(tar, run_id)), tar.unpacked_bytes
        finally:
            images.remove(run_id)
    else:
        yield Program(image=str(submission)), images.image_bytes(str(submission))


def _base(name: str) -> str:
    """The base image's name on the engine.

    Raises:
        SubmissionError: there is no such base.
        SandboxUnavailable: it has not been built on this machine.
    """
    try:
        image = base_image(name)
    except KeyError as error:
        raise SubmissionError(str(error.args[0])) from error
    try:
        images.image_bytes(image)
    except BadImage as error:
        raise SandboxUnavailable(
            f"the base image {image} is missing on this machine; build it with `python -m sandbox build {name}`"
        ) from error
    return image


def _rejected(reason: str, limits: Limits, total: int, seed: int) -> Report:
    return Report(
        verdict=verdict(Observation(limits=limits, images_total=total, rejected=reason)),
        scores=None,
        measurements=Measurements(),
        images_done=0,
        images_total=total,
        seed=seed,
        log="",
        limits=limits,
        host={"name": platform.node()},
    )


def _measurements(result: Result, image_bytes: int) -> Measurements:
    latencies = result.latencies
    return Measurements(
        start_seconds=result.start_seconds,
        latency_median_seconds=statistics.median(latencies) if latencies else None,
        latency_p90_seconds=float(np.percentile(latencies, 90)) if latencies else None,
        latencies=latencies,
        total_seconds=result.seen.wall_seconds,
        answering_seconds=result.answering_seconds,
        cpu_seconds=result.seen.cpu_seconds,
        memory_peak_bytes=result.seen.memory_peak_bytes,
        throttled_seconds=result.throttled_seconds,
        curve=result.curve,
        image_bytes=image_bytes,
    )
