"""The worker's parts, one by one, with an evaluator that does what the test says."""

from __future__ import annotations

import dataclasses
import datetime as dt
import errno
import math
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import InterfaceError, OperationalError
from django.utils import timezone

import sandbox
from challenge import hosts, lineup, states, submissions
from challenge.models import Attempt, State, Submission
from challenge.worker import evaluate, reaper, tasks
from challenge.worker.claim import claim_next, run_id, run_prefix
from challenge.worker.heartbeat import Heartbeat
from evaluator.datasets import Dataset
from evaluator.errors import DatasetError, PlatformError
from evaluator.pipeline import Progress
from evaluator.predictions import labels_of
from evaluator.report import Report
from sandbox import Code, Limits
from tests import factories
from tests.conftest import Site
from tests.evaluator.pictures import png
from tests.services import until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bells(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every bell that was rung, by whom."""
    rung: list[str] = []
    monkeypatch.setattr(states, "ring_bell", lambda queue: rung.append("site"))
    monkeypatch.setattr(reaper, "ring_if_silent", lambda queue: rung.append("worker"))
    return rung


@pytest.fixture
def evaluator_does(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., Report]], None]:
    """Puts another evaluator into the worker."""
    return lambda act: monkeypatch.setattr(evaluate, "evaluate", act)


@pytest.fixture(autouse=True)
def here(transactional_db: None, settings) -> hosts.Host:
    """This machine, as a worker would have registered it."""
    return hosts.register(settings.PARAKH_HOST_NAME, factories.offer())


def one(site: Site) -> tuple[Submission, Attempt]:
    made = factories.submission(site.phase, site.team)
    attempt = claim_next()
    assert attempt is not None
    return made, attempt


def raises(error: BaseException) -> Callable[..., Report]:
    def act(*args: object, **given: object) -> Report:
        raise error

    return act


def not_a_number() -> Report:
    found = factories.report()
    assert found.scores is not None
    return dataclasses.replace(found, scores=dataclasses.replace(found.scores, miou=math.nan))


def test_the_evaluator_gets_what_the_attempt_says(site: Site, evaluator_does, drawn) -> None:
    made, attempt = one(site)
    seen: dict[str, object] = {}

    def act(upload, dataset, limits, **given) -> Report:
        seen.update(given, upload=upload.read_bytes(), root=dataset.root, limits=limits)
        given["on_progress"](Progress("running", 1, 4))
        return factories.report()

    evaluator_does(act)
    evaluate.evaluate_attempt(attempt)
    made.refresh_from_db()
    assert made.state == State.FINISHED
    assert seen["upload"] == factories.code_zip().read()
    assert (seen["root"], seen["limits"], seen["seed"]) == (drawn, attempt.limits, attempt.seed)
    assert (seen["kind"], seen["base"], seen["contract"]) == ("code", "pytorch", "stream")
    assert seen["run_id"] == run_id(attempt) == f"{run_prefix()}{attempt.pk}"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PlatformError(Code.ENGINE_FAULT, "no engine at /var/run/docker.sock"), "ENGINE_FAULT"),
        (DatasetError("/data/x.png is gone"), "HOST_FAULT"),
        (OSError(errno.ENOSPC, "no space"), "DISK_FAULT"),
        (PermissionError("/data is closed"), "HOST_FAULT"),
        (ValueError("a bug of ours"), "SCORER_FAULT"),
    ],
)
def test_our_faults_are_sorted_told_to_operators_and_tried_again(
    site: Site, evaluator_does, error: Exception, code: str
) -> None:
    made, attempt = one(site)
    evaluator_does(raises(error))
    evaluate.evaluate_attempt(attempt)
    made.refresh_from_db()
    attempt.refresh_from_db()
    assert (made.state, attempt.verdict) == (State.QUEUED, code)
    assert str(error) in attempt.fault
    for shown in (attempt.sentence, attempt.advice, attempt.log, *(move.reason for move in made.transitions.all())):
        assert str(error) not in shown


def test_a_mean_that_is_no_number_is_never_published(site: Site, evaluator_does) -> None:
    _, attempt = one(site)
    evaluator_does(lambda *args, **given: not_a_number())
    evaluate.evaluate_attempt(attempt)
    attempt.refresh_from_db()
    assert attempt.verdict == "SCORER_FAULT"


def test_a_data_set_that_changed_is_not_scored_on(site: Site, evaluator_does) -> None:
    site.dataset.fingerprint = "0" * 64
    site.dataset.save()
    _, attempt = one(site)
    evaluator_does(raises(AssertionError("not called")))
    evaluate.evaluate_attempt(attempt)
    attempt.refresh_from_db()
    assert attempt.verdict == "HOST_FAULT"


def test_what_can_not_be_split_is_our_fault_and_gets_no_score(site: Site, evaluator_does) -> None:
    site.phase.public_share = 50
    site.phase.save()
    made, attempt = one(site)
    evaluator_does(lambda *args, **given: factories.report(skills=[0.5]))
    evaluate.evaluate_attempt(attempt)
    made.refresh_from_db()
    attempt.refresh_from_db()
    assert (made.state, made.score, attempt.verdict) == (State.QUEUED, None, "SCORER_FAULT")
    assert "at least two images" in attempt.fault


def test_a_worker_that_is_stopped_hands_the_submission_back(site: Site, evaluator_does) -> None:
    made, attempt = one(site)
    evaluator_does(raises(SystemExit(0)))
    with pytest.raises(SystemExit):
        evaluate.evaluate_attempt(attempt)
    made.refresh_from_db()
    assert (made.state, made.platform_faults, made.not_before) == (State.QUEUED, 0, None)
    assert "stopped for maintenance" in submissions.newest_attempt(made).sentence


def test_a_locked_database_delays_a_result_and_does_not_lose_it(
    site: Site, evaluator_does, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, attempt = one(site)
    evaluator_does(lambda *args, **given: factories.report(miou=0.3))
    publish, calls = submissions.publish, []

    def locked_twice(*given: object) -> bool:
        calls.append(given)
        if len(calls) < 3:
            raise OperationalError("database is locked")
        return publish(*given)

    monkeypatch.setattr(submissions, "publish", locked_twice)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    evaluate.evaluate_attempt(attempt)
    made.refresh_from_db()
    assert made.score.miou == 0.3


# Predictions need neither engine nor room


def a_zip_of_road(drawn: Path) -> SimpleUploadedFile:
    road = png(np.zeros((128, 256), np.uint8))
    return factories.predictions_zip(dict.fromkeys(labels_of(Dataset.open(drawn, "val")), road))


def test_without_an_engine_predictions_are_claimed_and_nothing_else(
    site: Site, drawn: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.phase.kinds = ["code", "predictions"]
    site.phase.save()
    run = factories.submission(site.phase, site.strangers)
    made = factories.submission(site.phase, site.team, kind="predictions", upload=a_zip_of_road(drawn))
    monkeypatch.setattr("challenge.worker.claim.engine_answers", lambda: False)
    attempt = claim_next()
    assert attempt is not None
    assert attempt.submission_id == made.pk
    evaluate.evaluate_attempt(attempt)
    assert claim_next() is None
    made.refresh_from_db()
    run.refresh_from_db()
    assert (made.state, run.state) == (State.FINISHED, State.QUEUED)
    assert attempt.transitions.filter(after="running").count() == 0


def test_predictions_pass_a_run_that_waits_for_room_and_take_none(site: Site, drawn: Path, settings) -> None:
    site.phase.kinds = ["code", "predictions"]
    site.phase.save()
    hosts.register(settings.PARAKH_HOST_NAME, factories.offer(cores=1))
    for _ in range(2):
        factories.submission(site.phase, site.strangers)
    first = claim_next()
    assert first is not None
    assert claim_next() is None, "its core is taken"
    made = factories.submission(site.phase, site.team, kind="predictions", upload=a_zip_of_road(drawn))
    scored = claim_next()
    assert scored is not None
    assert scored.submission_id == made.pk
    assert claim_next() is None, "the other run still waits"
    submissions.publish(first, factories.report())
    assert claim_next() is not None, "what is scored beside it takes no room from a run"


def test_predictions_go_to_any_host_of_their_queue(site: Site, drawn: Path, settings) -> None:
    site.phase.kinds = ["code", "predictions"]
    site.phase.limits_data = Limits(cpus=64, cpu_quota=64, gpus=2).as_dict()
    site.phase.save()
    made = factories.submission(site.phase, site.team, kind="predictions", upload=a_zip_of_road(drawn))
    run = factories.submission(site.phase, site.strangers)
    assert lineup.place(made).why == ""
    assert "no evaluation host with 2 GPUs" in lineup.place(run).why
    assert lineup.stuck_phases() == [(site.phase, "no evaluation host with 2 GPUs")]
    attempt = claim_next()
    assert attempt is not None
    assert attempt.submission_id == made.pk
    assert claim_next() is None
    submissions.cancel(run, by=site.carol)
    factories.submission(site.phase, site.team, kind="predictions", upload=a_zip_of_road(drawn))
    assert lineup.stuck_phases() == [], "what waits can be scored here"


# Heartbeat


def test_the_heartbeat_renews_writes_progress_and_sees_a_cancel(site: Site) -> None:
    made, attempt = one(site)
    Submission.objects.filter(pk=made.pk).update(lease_until=timezone.now() + dt.timedelta(seconds=2))
    made.refresh_from_db()
    with Heartbeat(attempt, lease_seconds=2) as heartbeat:
        heartbeat.note(Progress("running", 3, 4))
        until(lambda: Attempt.objects.filter(pk=attempt.pk, state="running", images_done=3).exists(), 10, "progress")
        renewed = Submission.objects.filter(pk=made.pk, lease_until__gt=made.lease_until)
        until(renewed.exists, 10, "the lease is renewed")
        assert not heartbeat.should_stop()
        submissions.cancel(made, by=site.alice)
        until(heartbeat.should_stop, 5, "the cancel is seen")


def test_the_heartbeat_stops_a_run_whose_lease_is_gone(site: Site) -> None:
    _, attempt = one(site)
    with Heartbeat(attempt, lease_seconds=2) as heartbeat:
        assert submissions.platform_fault(attempt, Code.WORKER_LOST, "")
        until(heartbeat.should_stop, 5, "the loss is seen")


@pytest.mark.parametrize("error", [InterfaceError("connection already closed"), OperationalError("it went away")])
def test_the_heartbeat_outlives_a_database_that_breaks_off(
    site: Site, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, attempt = one(site)
    renew, calls = submissions.renew, []

    def breaks_off_once(*given: object) -> bool:
        calls.append(given)
        if len(calls) == 1:
            raise error
        return renew(*given)

    monkeypatch.setattr(submissions, "renew", breaks_off_once)
    with Heartbeat(attempt, lease_seconds=2) as heartbeat:
        until(lambda: len(calls) > 1, 5, "it tries again")
        submissions.cancel(made, by=site.alice)
        until(heartbeat.should_stop, 5, "and sees a cancel")


def test_a_heartbeat_that_fails_stops_its_run(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it the lease runs out: two workers would be at one submission."""
    _, attempt = one(site)
    monkeypatch.setattr(submissions, "renew", raises(ZeroDivisionError()))
    with Heartbeat(attempt, lease_seconds=2) as heartbeat:
        until(heartbeat.should_stop, 5, "the run is stopped")


# Bells and the reaper


def test_a_bell_evaluates_one_and_rings_for_the_rest(site: Site, evaluator_does, bells: list[str]) -> None:
    evaluator_does(lambda *args, **given: factories.report())
    for _ in range(2):
        factories.submission(site.phase, site.team)
    assert bells == ["site", "site"]
    tasks.ring()
    assert Submission.objects.filter(state=State.FINISHED).count() == 1
    tasks.ring()
    tasks.ring()
    assert Submission.objects.filter(state=State.FINISHED).count() == 2
    assert bells == ["site", "site", "worker", "worker"], "for another worker, and once its own cores are free"


def test_reaping_returns_expired_leases_and_rings(site: Site, bells: list[str]) -> None:
    made, _ = one(site)
    reaper.reap()
    assert bells == ["site"]
    Submission.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    reaper.reap()
    made.refresh_from_db()
    assert made.state == State.QUEUED
    assert bells == ["site", "site", "worker"]


def test_the_sweep_spares_what_is_held_even_if_it_began_after_the_engine_was_asked(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    spared: dict[str, bool] = {}

    def sweep(prefix: str, live: set[str]) -> list[str]:
        assert prefix == run_prefix()
        _, attempt = one(site)
        lost = Attempt.objects.get(pk=attempt.pk)
        spared["held"] = run_id(attempt) in live
        submissions.publish(lost, factories.report())
        spared["done"] = run_id(attempt) in live
        spared["nonsense"] = f"{prefix}x" in live
        return []

    monkeypatch.setattr(sandbox, "sweep", sweep)
    reaper.sweep()
    assert spared == {"held": True, "done": False, "nonsense": False}


def test_a_reaper_survives_an_error_and_stops_when_told() -> None:
    rounds: list[int] = []
    enough = threading.Event()

    def fails() -> None:
        rounds.append(1)
        if len(rounds) == 3:
            enough.set()
        raise RuntimeError("this round failed")

    thread = reaper.ReaperThread(fails, 0.01)
    thread.start()
    assert enough.wait(10)
    thread.stop()
    thread.join(10)
    assert not thread.is_alive()


def test_what_can_not_be_reaped_keeps_nothing_else_from_it(
    site: Site, bells: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lease that can't be returned and a disk that is away: other leases are returned, and lost bells rung."""
    bad, _ = one(site)
    good, _ = one(site)
    Submission.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    usual = submissions.platform_fault

    def fails_for_one(attempt: Attempt, *given: object, **named: object) -> bool:
        if attempt.submission_id == bad.pk:
            raise RuntimeError("a row that nobody thought of")
        return usual(attempt, *given, **named)

    def disk_is_away() -> None:
        raise OSError(errno.EIO, "no disk")

    monkeypatch.setattr(submissions, "platform_fault", fails_for_one)
    monkeypatch.setattr(submissions, "drop_broken_uploads", disk_is_away)
    bells.clear()
    reaper.reap()
    good.refresh_from_db()
    assert good.state == State.QUEUED
    assert "worker" in bells


def test_an_attempt_whose_limits_an_upgrade_made_unreadable_ends_all_the_same(site: Site) -> None:
    made, attempt = one(site)
    waiting = factories.submission(site.phase, site.strangers)
    Attempt.objects.filter(pk=attempt.pk).update(limits_data={"fuel_litres": 3})
    assert claim_next() is None, "it may hold anything"
    Submission.objects.filter(pk=made.pk).update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    reaper.reap()
    made.refresh_from_db()
    assert made.state == State.QUEUED
    assert {claim_next().submission, claim_next().submission} == {made, waiting}
