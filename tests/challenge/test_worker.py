"""Real worker processes, a real broker, real containers."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

import sandbox
from challenge import leaderboard, states, submissions
from challenge.models import Attempt, Score, State, Submission
from challenge.worker.claim import run_prefix
from evaluator.datasets import Dataset
from evaluator.pipeline import evaluate
from tests import factories
from tests.challenge.workers import Workers
from tests.conftest import Site
from tests.services import until

pytestmark = [pytest.mark.docker, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def workers(tmp_path: Path, settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workers]:
    """Worker processes on the test's database; the site's bell reaches them."""
    (tmp_path / "media").mkdir()
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.BROKER_DIR = tmp_path / "broker"
    made = Workers(tmp_path)
    monkeypatch.setattr(states, "ring_bell", made.ring)
    yield made
    made.stop_all()
    print(made.log.read_text() if made.log.exists() else "no worker was started")
    sandbox.sweep(run_prefix(), set())


def containers() -> list[docker.models.containers.Container]:
    """What runs on the engine for this test's site."""
    engine = docker.from_env()
    found = engine.containers.list(all=True, filters={"label": "parakh.run"}, ignore_removed=True)
    return [one for one in found if one.labels["parakh.run"].startswith(run_prefix())]


def reaches(submission: Submission, state: State, seconds: float) -> None:
    def is_there() -> bool:
        submission.refresh_from_db()
        return submission.state == state

    until(is_there, seconds, f"the submission is {state}")


def is_answering(submission: Submission) -> bool:
    """True while its container answers images."""
    return submission.attempts.filter(state="running", images_done__gte=1).exists()


def test_from_the_bell_to_the_board_with_the_score_of_a_local_run(site: Site, workers: Workers, drawn: Path) -> None:
    workers.start(PARAKH_REAP_SECONDS="60")
    made = factories.submission(site.phase, site.team)
    reaches(made, State.FINISHED, 60)

    attempt = submissions.newest_attempt(made)
    local = evaluate(Path(made.file.path), Dataset.open(drawn, "val"), attempt.limits, kind="code")
    assert attempt.verdict == "OK"
    assert made.score.confusion == local.scores.confusion.tolist()
    assert made.score.miou == local.scores.miou
    assert [row.submission for row in leaderboard.page(site.phase)] == [made]
    cost = attempt.measurements
    held = (attempt.done_at - attempt.claimed_at).total_seconds()
    assert 0 < cost["start_seconds"] + cost["answering_seconds"] < held
    assert containers() == []


def test_a_worker_killed_mid_run_loses_nothing(site: Site, workers: Workers) -> None:
    first = workers.start()
    made = factories.submission(
        site.phase, site.team, upload=factories.code_zip(factories.SLOW_PREDICT.format(seconds=2))
    )
    until(lambda: is_answering(made), 60, "the first image is answered")
    workers.kill(first)
    assert len(containers()) >= 1, "the container outlives its worker"
    workers.start()
    reaches(made, State.FINISHED, 60)

    assert [attempt.verdict for attempt in made.attempts.all()] == ["WORKER_LOST", "OK"]
    assert Score.objects.count() == 1
    assert made.charged
    until(lambda: containers() == [], 10, "no container is left")
    assert not Attempt.objects.exclude(state="done").exists()


def test_cancel_ends_the_container_within_five_seconds(site: Site, workers: Workers) -> None:
    workers.start()
    made = factories.submission(
        site.phase, site.team, upload=factories.code_zip(factories.SLOW_PREDICT.format(seconds=9))
    )
    until(lambda: made.attempts.filter(state="running").exists() and containers(), 60, "it runs")
    submissions.cancel(made, by=site.alice)
    until(lambda: containers() == [], 5, "the container is gone")
    reaches(made, State.CANCELLED, 5)
    assert submissions.newest_attempt(made).verdict == "CANCELLED"


def test_a_worker_that_is_told_to_stop_finishes_what_it_has(site: Site, workers: Workers) -> None:
    worker = workers.start()
    made = factories.submission(
        site.phase, site.team, upload=factories.code_zip(factories.SLOW_PREDICT.format(seconds=1))
    )
    waiting = factories.submission(site.phase, site.team)
    until(lambda: is_answering(made), 60, "the first image is answered")
    os.kill(worker.pid, signal.SIGTERM)
    worker.wait(60)
    reaches(made, State.FINISHED, 1)
    waiting.refresh_from_db()
    assert waiting.state == State.QUEUED


def test_a_lost_bell_is_rung_again(site: Site, workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states, "ring_bell", lambda queue: None)
    made = factories.submission(site.phase, site.team)
    workers.start()
    reaches(made, State.FINISHED, 60)
