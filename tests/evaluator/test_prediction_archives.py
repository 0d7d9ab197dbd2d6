"""Prediction archives: a zip of label maps is scored like the directory it was made of, or refused, naming the file."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from evaluator.datasets import Dataset
from evaluator.errors import DatasetError, SubmissionError
from evaluator.metrics import scores
from evaluator.predictions import labels_below, labels_of, score_archive, score_files
from sandbox import Limits
from tests.evaluator.pictures import REFUSED, labels, png
from tests.evaluator.test_score import score
from tests.sandbox.zips import plain_zip

LIMITS = Limits()


@pytest.fixture
def answers(val: Dataset) -> dict[str, bytes]:
    """Something for every image, by the name it must have."""
    return {name: png(labels(seed=seed)) for seed, name in enumerate(labels_of(val))}


def zip_of(files: dict[str, bytes], tmp_path: Path, folder: str = "") -> Path:
    path = tmp_path / "predictions.zip"
    path.write_bytes(plain_zip(*((folder + name, content) for name, content in files.items())))
    return path


@pytest.mark.parametrize("folder", ["", "val/", "my predictions/"])
def test_a_zip_scores_like_its_directory(
    folder: str, answers: dict[str, bytes], val: Dataset, scenes: Path, tmp_path: Path
) -> None:
    for name, content in answers.items():
        (tmp_path / "files" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "files" / name).write_bytes(content)
    truth = scenes / "gtFine" / "val"
    shuffled = dict(sorted(answers.items(), reverse=True))
    path = zip_of(shuffled, tmp_path, folder)
    found = score_archive(path, labels_of(val), LIMITS)
    wanted = score_files(tmp_path / "files", truth)
    assert np.array_equal(found, wanted), "the order is that of the data set"
    assert np.array_equal(found, score_archive(path, labels_below(truth), LIMITS))
    done = score(path, truth, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert f'"miou": {scores(wanted).as_dict()["miou"]}' in done.stdout


@pytest.mark.parametrize("name", ["truncated", "RGB", "claims 20 000 x 20 000", "JPEG under a .png name", "empty"])
def test_a_file_that_is_no_label_map_is_named(
    name: str, answers: dict[str, bytes], val: Dataset, tmp_path: Path
) -> None:
    file, says = REFUSED[name]
    place = list(answers)[2]
    answers[place] = file
    with pytest.raises(SubmissionError) as refusal:
        score_archive(zip_of(answers, tmp_path), labels_of(val), LIMITS)
    assert str(refusal.value).startswith(f"'{place}': ")
    assert says in str(refusal.value)


def test_missing_files_are_counted_and_the_first_named(
    answers: dict[str, bytes], val: Dataset, scenes: Path, tmp_path: Path
) -> None:
    first, second, *_ = answers
    del answers[first]
    with pytest.raises(SubmissionError, match=f"^'{first}' of 4 are missing; zip one label map"):
        score_archive(zip_of(answers, tmp_path), labels_of(val), LIMITS)
    del answers[second]
    done = score(zip_of(answers, tmp_path), scenes / "gtFine" / "val")
    assert done.returncode == 2
    assert f"'{first}' and 1 more of 4 are missing" in done.stderr
    with pytest.raises(SubmissionError, match="and 3 more of 4 are missing"):
        score_archive(zip_of({}, tmp_path), labels_of(val), LIMITS)


@pytest.mark.parametrize(
    "extra", ["extra_label.png", "__MACOSX/0/._000000_label.png", ".DS_Store", "val/0/000000_label.png", "notes.txt"]
)
def test_what_was_not_asked_for_is_refused(extra: str, answers: dict[str, bytes], val: Dataset, tmp_path: Path) -> None:
    for files in (answers | {extra: b"x"}, {extra: b"x"} | answers):
        with pytest.raises(SubmissionError, match=r"was not asked for; zip one .* named like '.*_label\.png'"):
            score_archive(zip_of(files, tmp_path), labels_of(val), LIMITS)


def test_two_folders_are_one_too_many(answers: dict[str, bytes], val: Dataset, tmp_path: Path) -> None:
    with pytest.raises(SubmissionError, match=r"'gtFine/val/.*' was not asked for"):
        score_archive(zip_of(answers, tmp_path, "gtFine/val/"), labels_of(val), LIMITS)


def test_a_file_that_is_too_large_is_not_even_read(answers: dict[str, bytes], val: Dataset, tmp_path: Path) -> None:
    place = next(iter(answers))
    answers[place] = np.random.default_rng(0).bytes(1024**2 + 1)
    with pytest.raises(SubmissionError, match=rf"'{place}' has 1\.0 MiB; at most 1\.0 MiB"):
        score_archive(zip_of(answers, tmp_path), labels_of(val), LIMITS)


def test_what_is_no_zip_says_so(val: Dataset, tmp_path: Path) -> None:
    (tmp_path / "predictions.zip").write_bytes(b"\x89PNG")
    with pytest.raises(SubmissionError, match="not a whole zip"):
        score_archive(tmp_path / "predictions.zip", labels_of(val), LIMITS)


def test_a_truth_of_ours_that_is_spoiled_is_not_the_teams_fault(
    answers: dict[str, bytes], scenes: Path, tmp_path: Path
) -> None:
    data = Dataset.open(Path(shutil.copytree(scenes, tmp_path / "data")), "val")
    data.items[1].label.write_bytes(b"spoiled")
    with pytest.raises(DatasetError, match="not a PNG"):
        score_archive(zip_of(answers, tmp_path), labels_of(data), LIMITS)
