"""The evaluation of label maps that were made elsewhere: admit, score, report. No container, and nothing is measured.

It reads the zip as `python -m evaluator score` does, so that what is refused here is refused at home too.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from pathlib import Path

from evaluator.datasets import Dataset
from evaluator.errors import BadPrediction, SubmissionError, faults_are_ours
from evaluator.metrics import LabelMap, scores
from evaluator.pipeline import Progress
from evaluator.predictions import Predictions, label_maps_in, labels_of
from evaluator.report import Measurements, Report
from sandbox import Code, Limits, Verdict


def evaluate_predictions(
    archive: Path,
    dataset: Dataset,
    limits: Limits,
    *,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    on_answer: Callable[[int, LabelMap], None] = lambda index, labels: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Report:
    """Scores a zip of label maps, one an image of the data set, named like its labels (`DRIVE/FRAME_label.png`).

    Args:
        limits: of them, those of archives, and the total time.
        on_progress, on_answer: as for `pipeline.evaluate`.
        should_stop: asked before each label map; True ends the evaluation as CANCELLED.

    Returns:
        The report, without measurements. Whatever is wrong with the archive or a label map is a verdict in it.

    Raises:
        PlatformError: we failed; the evaluation says nothing about the submission.
    """
    total, done = len(dataset), 0
    names = {name: index for index, name in enumerate(labels_of(dataset))}
    predictions = Predictions(dataset, list(range(total)), on_answer)
    ends = time.monotonic() + limits.total_seconds
    with faults_are_ours():
        on_progress(Progress("admitting", 0, total))
        try:
            for name, labels in label_maps_in(archive, list(names), limits):
                if should_stop():
                    return _report(_cancelled(done, total), predictions, done, limits)
                if time.monotonic() > ends:
                    return _report(_too_slow(done, total, limits), predictions, done, limits)
                predictions.take(names[name], labels)
                done += 1
                on_progress(Progress("scoring", done, total))
        except BadPrediction as error:
            return _report(_bad(str(error)), predictions, done, limits)
        except SubmissionError as error:
            return _report(_rejected(str(error)), predictions, done, limits)
    return _report(_verdict(Code.OK, f"All {total} label maps were scored."), predictions, done, limits)


def _report(found: Verdict, predictions: Predictions, done: int, limits: Limits) -> Report:
    return Report(
        verdict=found,
        scores=scores(predictions.confusions) if found.ok else None,
        measurements=Measurements(),
        images_done=done,
        images_total=len(predictions.confusions),
        seed=0,  # They come in the order of the zip.
        log="",
        limits=limits,
        host={"name": platform.node()},
    )


# The words: those of the sandbox speak of containers.


def _verdict(code: Code, sentence: str, advice: str = "") -> Verdict:
    return Verdict(code, sentence, advice, (code,))


def _rejected(reason: str) -> Verdict:
    return _verdict(
        Code.IMAGE_REJECTED,
        f"The upload was not accepted: {reason}.",
        "Mend what is named, check the zip with `python -m evaluator score` on your machine, and upload it again.",
    )


def _bad(reason: str) -> Verdict:
    return _verdict(
        Code.BAD_OUTPUT,
        f"The zip can't be scored: {reason}.",
        "Each label map is an 8-bit greyscale PNG (mode L) of the image's size or of the scoring size, values 0 to 6. "
        "Check the zip with `python -m evaluator score` on your machine.",
    )


def _too_slow(done: int, total: int, limits: Limits) -> Verdict:
    return _verdict(
        Code.TIME_LIMIT,
        f"Reading it took longer than the {limits.total_seconds:g} s it may take in all: "
        f"stopped at label map {done + 1} of {total}.",
        "Write plain PNGs: no text, colour profiles or other extras in them.",
    )


def _cancelled(done: int, total: int) -> Verdict:
    return _verdict(Code.CANCELLED, f"Cancelled at label map {done + 1} of {total}.", "Submit again whenever you like.")
