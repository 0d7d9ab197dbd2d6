"""Everything that may die, one function a case: cases 43 to 52 of the list of attacks, with real processes.

Each takes a world, does its worst, and calls `world.settle`, which holds it to the promise. Here are the deaths of
workers, and the table of all cases; beside it are the deaths of what workers need.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

from django.contrib.auth.models import User
from django.db import connection

from challenge import holds
from challenge.models import State
from challenge.worker import reaper
from tests.challenge.workers import broker_url
from tests.faults import cases_clock, cases_disk, cases_engine, cases_services
from tests.faults.world import LEASE_SECONDS, PATIENCE_SECONDS, World, resume
from tests.services import until

Case = Callable[[World], None]


def killed_at(stage: str, world: World) -> None:
    """43. kill -9 for the worker and its children."""
    submission = world.submit(image="whole" if "load" in stage else "")
    world.kill_at(stage)
    world.start()
    # A claim that was never committed was none, and a result that was is the result.
    world.settle(submission, faults=0 if stage in ("within the claim", "after the commit") else 1)


def stopped_past_its_lease(stage: str, world: World) -> None:
    """45. A worker stops, another evaluates, then the first goes on."""
    submission = world.submit(image="whole" if "load" in stage else "")
    world.start(stop_at=stage)
    process = world.until_stopped()
    world.start()
    world.reaches(submission, State.FINISHED)
    scored = submission.score_id
    resume(process)
    time.sleep(LEASE_SECONDS)
    submission.refresh_from_db()
    assert submission.score_id == scored, "the late result changed nothing"
    world.settle(submission, faults=1)


def bell_five_times(world: World) -> None:
    """46. Each bell is delivered five times, to two workers."""
    submissions = [world.submit() for _ in range(2)]
    for _ in range(2 * 4):
        world.workers.ring()
    for _ in range(2):
        world.start()
    for submission in submissions:
        world.reaches(submission, State.FINISHED)
    for submission in submissions:
        world.settle(submission, faults=0)


def five_reapers(world: World) -> None:
    """50. Five reapers at once find one expired lease."""
    submission = world.submit()
    world.kill_at("run")
    reapers = [reaper.ReaperThread(reaper.reap, 0.01) for _ in range(5)]
    for one in reapers:
        one.start()
    until(lambda: submission.attempts.filter(state="done").exists(), PATIENCE_SECONDS, "the lease was reaped")
    for one in reapers:
        one.stop()
        one.join()
    submission.refresh_from_db()
    assert (submission.platform_faults, submission.workers_lost) == (1, 1)
    world.start()
    world.settle(submission, faults=1)


def kills_its_worker_each_time(world: World) -> None:
    """51. Two workers die with it: it is held, others go on, and an operator lets it run again."""
    submission = world.submit()
    for _ in range(2):
        world.kill_at("run")
        world.mark.unlink()
    other = world.submit()
    world.start()
    world.reaches(other, State.FINISHED)
    world.reaches(submission, State.QUEUED)  # once its second lease has run out
    assert submission.held_at is not None
    operator, _ = User.objects.get_or_create(username="operator", is_staff=True)
    assert holds.release(submission, operator, "looked at")
    world.settle(submission, faults=2)


def told_to_stop(signals: list[signal.Signals], world: World) -> None:
    """By its service manager: the submission is handed back at once, at no fault, and the next worker evaluates it."""
    submission = world.submit(seconds=1)
    worker = world.start()
    until(lambda: world.is_running(submission), PATIENCE_SECONDS, "it runs")
    for number in signals:
        worker.send_signal(number)
        time.sleep(0.5)
    worker.wait(PATIENCE_SECONDS)
    submission.refresh_from_db()
    assert (submission.state, submission.platform_faults) == (State.QUEUED, 0)
    world.start()
    world.settle(submission, faults=1)


STAGES = ("within the claim", "claim", "admit", "load", "run", "score", "before the commit", "after the commit")

CASES: dict[str, Case] = {
    **{f"worker killed, {stage}": partial(killed_at, stage) for stage in STAGES},
    **{f"worker stopped, {stage}": partial(stopped_past_its_lease, stage) for stage in ("load", "run", "score")},
    "worker stopped, before the commit": cases_services.stopped_mid_commit,
    "worker told to stop, twice": partial(told_to_stop, [signal.SIGTERM, signal.SIGTERM]),
    "worker told to quit": partial(told_to_stop, [signal.SIGQUIT]),
    "kills its worker each time": kills_its_worker_each_time,
    "engine killed, run": cases_engine.killed_mid_run,
    "engine killed, before the load": cases_engine.killed_before_the_load,
    "engine killed with its worker": cases_engine.killed_with_its_worker,
    "engine restarted, run": cases_engine.restarted_mid_run,
    "engine away": cases_engine.away,
    "bells five times": bell_five_times,
    "broker emptied": cases_services.broker_emptied,
    "broker killed": cases_services.broker_killed,
    "database killed mid-commit": cases_services.database_killed_mid_commit,
    "database away past the lease": cases_services.database_away_past_the_lease,
    "disk full, upload": cases_disk.full_for_uploads,
    "disk full, run": cases_disk.full_for_runs,
    "disk full, load": cases_disk.full_for_images,
    "disk full, log": cases_disk.full_for_logs,
    "disk full, database": cases_disk.full_for_the_database,
    "five reapers": five_reapers,
    "clock ahead": cases_clock.jumps_ahead,
    "clock back": cases_clock.jumps_back,
}

_ON_POSTGRESQL = {
    "database killed mid-commit",
    "database away past the lease",
    "worker stopped, before the commit",  # With SQLite it holds the only lock there is, until it is killed.
}


def applies(name: str) -> bool:
    """False where there is no such server to kill, SQLite and files being none, or no small disk to fill."""
    if name in _ON_POSTGRESQL:
        return connection.vendor == "postgresql"
    if name == "broker killed":
        return urlsplit(broker_url()).scheme != "filesystem"
    return name != "disk full, database" or cases_disk.DATABASE_DISK in os.environ
