"""The label maps of submissions on a board are kept, and only those, whatever breaks."""

from __future__ import annotations

import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from django.core.cache import cache
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, OperationalError, connection, transaction

from challenge import kept, overlays, ranking, storage, submissions
from challenge.models import Attempt, State, Submission
from challenge.storage_url import storage_settings
from challenge.worker import answers, evaluate, reaper
from challenge.worker.claim import claim_next
from evaluator import label_maps
from evaluator.datasets import Dataset
from evaluator.keeping import Keeper
from evaluator.predictions import labels_of
from sandbox import Code
from tests import factories, s3
from tests.conftest import Site
from tests.evaluator.pictures import SCORE, png
from tests.services import until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def here(site: Site, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine, with an engine that nobody needs; a phase that takes predictions."""
    factories.hosts.register(settings.PARAKH_HOST_NAME, factories.offer())
    monkeypatch.setattr("challenge.worker.claim.engine_answers", lambda: False)
    site.phase.kinds = ["code", "image", "predictions"]
    site.phase.save()


@pytest.fixture
def stored() -> Iterator[Callable[[], set[str]]]:
    """Names of all label maps in storage; what was there before is left out."""

    def look() -> set[str]:
        folder = Path(default_storage.path("predictions"))
        return {path.relative_to(folder.parent).as_posix() for path in folder.rglob("*.zip")}

    before = look()
    yield lambda: look() - before
    for name in look() - before:
        default_storage.delete(name)


def predictions_zip(drawn: Path, right: float = 1.0) -> SimpleUploadedFile:
    """The truth as predictions, of which only the upper part is right."""
    dataset = Dataset.open(drawn, "val")
    files = {}
    for index, name in enumerate(labels_of(dataset)):
        labels = np.minimum(dataset.truth(index), 7)
        labels[round(right * len(labels)) :] = 0
        files[name] = png(labels)
    return factories.predictions_zip(files)


def evaluated(site: Site, drawn: Path, right: float = 1.0) -> tuple[Submission, Attempt]:
    """A submission of predictions, sent and scored by the worker's own code."""
    made = factories.submission(site.phase, site.team, kind="predictions", upload=predictions_zip(drawn, right))
    attempt = claim_next()
    assert attempt is not None
    evaluate.evaluate_attempt(attempt)
    made.refresh_from_db()
    attempt.refresh_from_db()
    return made, attempt


def test_what_was_answered_is_kept_as_one_zip(site: Site, drawn: Path, stored: Callable[[], set[str]]) -> None:
    made, attempt = evaluated(site, drawn)
    assert (made.state, made.score.miou) == (State.FINISHED, 1.0)
    assert stored() == {attempt.predictions}
    dataset = Dataset.open(drawn, "val")
    with kept.opened(attempt) as file, zipfile.ZipFile(file) as archive:
        assert archive.namelist() == list(labels_of(dataset))
        first = label_maps.open_png(archive.read(archive.namelist()[0]))
        assert first.size == SCORE
        assert np.array_equal(np.asarray(first), np.minimum(dataset.truth(0), 7))


def test_only_the_best_and_the_latest_of_a_team_stay(site: Site, drawn: Path, stored: Callable[[], set[str]]) -> None:
    names = [evaluated(site, drawn, right)[1].predictions for right in (0.5, 1.0, 0.6, 0.7)]
    assert stored() == {names[1], names[3]}, "the best and the latest"
    gone = Attempt.objects.filter(predictions="").count()
    assert gone == 2, "what was removed is not promised any more"
    with pytest.raises(kept.Missing), kept.opened(Attempt.objects.filter(predictions="").first()):
        pass


def test_what_is_withdrawn_from_the_board_is_removed(site: Site, drawn: Path, stored: Callable[[], set[str]]) -> None:
    made, _ = evaluated(site, drawn)
    Submission.objects.filter(pk=made.pk).update(disqualified_at=made.created)
    with transaction.atomic():
        ranking.refresh(site.phase, site.team)
    assert stored() == set()


def test_a_phase_that_keeps_nothing(site: Site, drawn: Path, stored: Callable[[], set[str]]) -> None:
    site.phase.keep_predictions = False
    site.phase.save()
    made, attempt = evaluated(site, drawn)
    assert (made.state, attempt.predictions) == (State.FINISHED, "")
    assert stored() == set()


def test_what_fails_is_not_kept(site: Site, stored: Callable[[], set[str]]) -> None:
    upload = factories.predictions_zip({"notes.txt": b"x"})
    made = factories.submission(site.phase, site.team, kind="predictions", upload=upload)
    evaluate.evaluate_attempt(claim_next())
    attempt = submissions.newest_attempt(made)
    assert (attempt.verdict, attempt.predictions) == ("BAD_OUTPUT", "")
    assert stored() == set()


# What may break


def fails(*given: object) -> None:
    raise OSError("the bucket does not answer")


def test_a_storage_that_is_away_costs_no_score(
    site: Site, drawn: Path, stored: Callable[[], set[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def away_at_first(drawn_name: str, packed: object) -> None:
        tries.append(drawn_name)
        raise storage.Away from OSError("the bucket does not answer")

    monkeypatch.setattr(kept, "store", away_at_first)
    monkeypatch.setattr(answers, "PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr(answers, "PAUSE_SECONDS", 0.1)
    made, attempt = evaluated(site, drawn)
    assert len(tries) >= 2, "it tries again"
    assert (made.state, made.score.miou, attempt.predictions) == (State.FINISHED, 1.0, "")
    assert "the bucket does not answer" in attempt.fault
    assert "bucket" not in attempt.sentence + attempt.advice


def test_a_storage_that_hangs_costs_no_score_and_leaves_nothing(
    site: Site, drawn: Path, stored: Callable[[], set[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers_at_last, store = threading.Event(), kept.store

    def slow(name: str, packed: object) -> None:
        answers_at_last.wait(20)
        store(name, packed)

    monkeypatch.setattr(kept, "store", slow)
    monkeypatch.setattr(answers, "PATIENCE_SECONDS", 0.3)
    before = time.monotonic()
    made, attempt = evaluated(site, drawn)
    assert time.monotonic() - before < 15
    assert (made.state, attempt.predictions) == (State.FINISHED, "")
    answers_at_last.set()
    until(lambda: not any(thread.name.startswith("storing") for thread in threading.enumerate()), 10, "it is over")
    assert stored() == set()


@pytest.mark.parametrize("fault", [OperationalError("database is locked"), OSError("No space left on device")])
def test_nothing_else_that_fails_costs_the_score(
    fault: Exception, site: Site, drawn: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*given: object) -> None:
        raise fault

    if isinstance(fault, OSError):
        monkeypatch.setattr(Keeper, "pack", broken)
    else:
        monkeypatch.setattr(kept, "name", broken)
    made, attempt = evaluated(site, drawn)
    assert (made.state, attempt.predictions) == (State.FINISHED, "")


def test_what_a_lost_worker_stored_is_swept_away(
    site: Site, drawn: Path, stored: Callable[[], set[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.submission(site.phase, site.team, kind="predictions", upload=predictions_zip(drawn))
    attempt = claim_next()
    with monkeypatch.context() as patch:
        patch.setattr(submissions, "publish", lambda *given: False)  # It dies before it publishes.
        evaluate.evaluate_attempt(attempt)
    assert len(stored()) == 1
    reaper.sweep_kept()
    assert len(stored()) == 1, "as long as somebody may hold it, it is nobody's to remove"
    assert submissions.platform_fault(attempt, Code.WORKER_LOST, "")
    reaper.sweep_kept()
    assert len(stored()) == 1, "not each round looks"
    cache.clear()
    reaper.sweep_kept()
    assert stored() == set()
    attempt.refresh_from_db()
    assert (attempt.verdict, attempt.predictions) == ("WORKER_LOST", "")


def test_what_could_not_be_removed_is_removed_later(
    site: Site, drawn: Path, stored: Callable[[], set[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluated(site, drawn, 0.5)
    with monkeypatch.context() as patch:
        patch.setattr(type(default_storage._wrapped), "delete", fails)
        evaluated(site, drawn, 0.7)
    assert len(stored()) == 2
    assert not kept.sweep()
    assert len(stored()) == 1


@pytest.mark.parametrize(
    ("change", "is_allowed"),
    [
        ({"predictions": ""}, True),
        ({"predictions": "predictions/another.zip"}, False),
        ({"predictions": "", "verdict": "KILLED"}, False),
        ({"predictions": "", "measurements": {"cpu_seconds": 0}}, False),
        ({"log": "nothing"}, False),
    ],
)
def test_of_a_done_attempt_nothing_changes_but_that_its_label_maps_go(
    change: dict[str, object], is_allowed: bool, site: Site, drawn: Path
) -> None:
    _, attempt = evaluated(site, drawn)
    rows = Attempt.objects.filter(pk=attempt.pk)
    if is_allowed:
        assert rows.update(**change) == 1
        return
    with pytest.raises(IntegrityError, match="never changes"):
        rows.update(**change)
    connection.close()


def test_in_a_bucket_too(site: Site, drawn: Path, settings) -> None:
    site.dataset.is_open = True
    site.dataset.save()
    with s3.s3_server() as url:
        settings.STORAGES = settings.STORAGES | {"default": storage_settings(url)}
        names = [evaluated(site, drawn, right)[1].predictions for right in (0.5, 1.0, 0.7)]
        assert {key for key in s3.keys(url) if key.startswith("predictions/")} == {names[1], names[2]}
        shown = Submission.objects.select_related("phase__dataset", "score__attempt").get(score__miou=1.0)
        with kept.opened(shown.score.attempt) as file:
            assert file.read()[:4] == b"PK\x03\x04"
        assert overlays.picture(shown, 1, "answer")[:4] == b"RIFF"
        kept.discard(names[1])
        with pytest.raises(kept.Missing), kept.opened(shown.score.attempt):
            pass
