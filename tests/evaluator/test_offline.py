"""Predictions made elsewhere: scored without a container, and every fault a verdict that names the file."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pytest

from evaluator import offline
from evaluator.datasets import Dataset
from evaluator.errors import PlatformError
from evaluator.offline import evaluate_predictions
from evaluator.pipeline import Progress
from evaluator.predictions import labels_of, score_archive
from evaluator.report import Measurements
from sandbox import Code, Limits
from tests.evaluator.pictures import SCORE, labels, png
from tests.sandbox.zips import plain_zip

LIMITS = Limits()


@pytest.fixture
def answers(val: Dataset) -> dict[str, bytes]:
    return {name: png(labels(seed=seed)) for seed, name in enumerate(labels_of(val))}


def zip_of(files: dict[str, bytes], folder: Path) -> Path:
    path = folder / "predictions.zip"
    path.write_bytes(plain_zip(*files.items()))
    return path


def test_a_good_zip_is_scored_and_nothing_is_measured(answers: dict[str, bytes], val: Dataset, tmp_path: Path) -> None:
    told: list[Progress] = []
    path = zip_of(dict(reversed(answers.items())), tmp_path)
    report = evaluate_predictions(path, val, LIMITS, on_progress=told.append)
    assert (report.verdict.code, report.verdict.sentence) == (Code.OK, "All 4 label maps were scored.")
    assert report.scores is not None
    assert np.array_equal(report.scores.confusion, sum(score_archive(path, labels_of(val), LIMITS)))
    assert report.measurements == Measurements()
    assert told == [Progress("admitting", 0, 4), *(Progress("scoring", done, 4) for done in range(1, 5))]


def test_each_answer_is_handed_on_with_its_place_in_the_data_set(
    answers: dict[str, bytes], val: Dataset, tmp_path: Path
) -> None:
    first, *_ = answers
    answers[first] = png(np.full(SCORE[::-1], 3, np.uint8))
    taken = {}
    path = zip_of(dict(reversed(answers.items())), tmp_path)
    evaluate_predictions(path, val, LIMITS, on_answer=lambda index, found: taken.update({index: found}))
    assert sorted(taken) == [0, 1, 2, 3]
    assert (taken[0] == 3).all()
    assert not (taken[1] == 3).all()


@pytest.mark.parametrize(
    ("spoil", "code", "says"),
    [
        ("size", Code.BAD_OUTPUT, "label.png': it is 640 x 480; 320 x 227 or 256 x 128 is needed."),
        ("missing", Code.BAD_OUTPUT, "label.png' of 4 are missing"),
        ("extra", Code.BAD_OUTPUT, "'notes.txt' was not asked for"),
        ("no zip", Code.IMAGE_REJECTED, "not a whole zip file"),
        ("too many bytes", Code.IMAGE_REJECTED, "unpacks to more than 64 KiB"),
    ],
)
def test_what_is_wrong_is_a_verdict(
    spoil: str, code: Code, says: str, answers: dict[str, bytes], val: Dataset, tmp_path: Path
) -> None:
    third, limits = list(answers)[2], LIMITS
    match spoil:
        case "size":
            answers[third] = png(labels((640, 480)))
        case "missing":
            del answers[third]
        case "extra":
            answers["notes.txt"] = b"x"
        case "too many bytes":
            limits = LIMITS.replace(archive_unpacked_bytes=64 * 1024)
    path = zip_of(answers, tmp_path)
    if spoil == "no zip":
        path.write_bytes(b"PK\3\4 and nothing more")
    report = evaluate_predictions(path, val, limits)
    assert report.verdict.code is code
    assert says in report.verdict.sentence
    if spoil in ("size", "missing"):
        assert third in report.verdict.sentence, "the image is named"
    assert "evaluator score" in report.verdict.advice
    assert report.scores is None
    assert report.images_total == 4


def test_it_can_be_cancelled_between_two_label_maps(answers: dict[str, bytes], val: Dataset, tmp_path: Path) -> None:
    asked = itertools.count()
    report = evaluate_predictions(zip_of(answers, tmp_path), val, LIMITS, should_stop=lambda: next(asked) == 2)
    assert (report.verdict.code, report.images_done) == (Code.CANCELLED, 2)
    assert report.verdict.sentence == "Cancelled at label map 3 of 4."


def test_it_ends_within_the_total_time_of_the_phase(
    answers: dict[str, bytes], val: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = itertools.count(step=4)
    monkeypatch.setattr(offline.time, "monotonic", lambda: next(clock))
    report = evaluate_predictions(zip_of(answers, tmp_path), val, LIMITS.replace(total_seconds=10))
    assert (report.verdict.code, report.images_done) == (Code.TIME_LIMIT, 2)
    assert "longer than the 10 s" in report.verdict.sentence


def test_a_truth_of_ours_that_is_spoiled_is_our_fault(answers: dict[str, bytes], val: Dataset, tmp_path: Path) -> None:
    (tmp_path / "spoiled_label.png").write_bytes(b"spoiled")
    items = [dataclasses.replace(val.items[0], label=tmp_path / "spoiled_label.png"), *val.items[1:]]
    with pytest.raises(PlatformError) as fault:
        evaluate_predictions(zip_of(answers, tmp_path), dataclasses.replace(val, items=tuple(items)), LIMITS)
    assert fault.value.code is Code.SCORER_FAULT
