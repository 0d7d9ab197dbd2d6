"""Everything that may die, one function a case: cases 43 to 51 of the list of attacks, with real processes.

Each takes a world, does its worst, and calls `world.settle`, which holds it to the promise. Case 52, clocks that jump,
needs a database whose clock can be set: test_clocks.py.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

import redis as redis_client
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from kombu import Connection

from challenge import holds, hosts
from challenge.celery import bell_queue, broker_options
from challenge.models import Host, State
from challenge.worker import reaper
from tests.challenge.workers import broker_url
from tests.faults import servers
from tests.faults.world import LEASE_SECONDS, World, resume
from tests.services import until

Case = Callable[[World], None]


def killed_at(stage: str, world: World) -> None:
    """43. kill -9 for the worker and its children."""
    submission = world.submit(kind="image" if stage == "load" else "code")
    world.kill_at(stage)
    world.start()
    world.settle(submission, faults=0 if stage == "after the commit" else 1)


def engine_killed_mid_run(world: World) -> None:
    """44. kill -9 for the engine while a container answers; then it is started again."""
    submission = world.submit(seconds=1)
    world.start()
    until(lambda: world.is_running(submission), 60, "it runs")
    world.engine.kill()
    until(lambda: submission.attempts.filter(state="done").exists(), 60, "the attempt has ended")
    world.engine.start()
    world.settle(submission, faults=1)


def stopped_past_its_lease(world: World) -> None:
    """45. A worker stops before it publishes, another evaluates, then the first goes on."""
    submission = world.submit()
    world.start(stop_at="score")
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


def broker_emptied(world: World) -> None:
    """47. All bells are lost while the workers are at work: a file-system broker with its folders."""
    first = world.submit(seconds=0.5)
    world.start()
    until(lambda: world.is_running(first), 60, "the first runs")
    second = world.submit()
    _empty_broker()
    third = world.submit()
    for submission in (first, second, third):
        world.reaches(submission, State.FINISHED)
    for submission in (first, second, third):
        world.settle(submission, faults=0)


def _empty_broker() -> None:
    scheme = urlsplit(broker_url()).scheme
    if scheme == "filesystem":
        shutil.rmtree(settings.BROKER_DIR)
    elif scheme == "redis":
        redis_client.Redis.from_url(broker_url()).flushall()
    else:
        with Connection(broker_url()) as bell:
            bell.default_channel.queue_purge(bell_queue("default"))


def broker_killed(world: World) -> None:
    """47. kill -9 for a broker with a server of its own; it starts again a moment later, with nothing in it."""
    submission = world.submit(seconds=0.5)
    world.start()
    until(lambda: world.is_running(submission), 60, "it runs")
    restart = servers.kill(servers.broker_process(broker_url()))
    try:
        waiting = world.submit()  # Its bell can't be rung.
        time.sleep(1)
    finally:
        restart()
    until(_broker_answers, 60, "the broker answers again")
    world.reaches(waiting, State.FINISHED)
    world.settle(submission, faults=0)
    world.settle(waiting, faults=0)


def _broker_answers() -> bool:
    try:
        with Connection(broker_url(), transport_options=broker_options(broker_url())) as bell:
            bell.ensure_connection(max_retries=1, timeout=2)
    except Exception:
        return False
    return True


def database_killed_mid_commit(world: World) -> None:
    """48. The database server is killed while a result is being written, and recovers."""
    submission = world.submit()
    world.start(stop_at="before the commit")
    process = world.until_stopped()
    connection.close()
    restart = servers.kill(servers.database_process())
    restart()
    resume(process)
    world.settle(submission, faults=0)


def disk_full(world: World) -> None:
    """49. The disk for temporary files is full at first: tried again once there is room."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(world.temporary)], check=True)
    world.start()
    until(lambda: Host.objects.filter(pk__in=hosts.live()).exists(), 60, "the worker is there")
    time.sleep(2)  # Its pool makes a file of its own at first.
    filler = world.temporary / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 1024)
    submission = world.submit()
    until(lambda: submission.attempts.filter(verdict="DISK_FAULT").exists(), 60, "it failed by our fault")
    filler.unlink()
    world.settle(submission, faults=1)


def two_reapers(world: World) -> None:
    """50. Five reapers at once find one expired lease."""
    submission = world.submit()
    world.kill_at("run")
    reapers = [reaper.ReaperThread(reaper.reap, 0.01) for _ in range(5)]
    for one in reapers:
        one.start()
    until(lambda: submission.attempts.filter(state="done").exists(), 30, "the lease was reaped")
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


def stopped_by_its_service_manager(world: World) -> None:
    """SIGTERM, twice: the submission is handed back at once, at no fault, and the next worker evaluates it."""
    submission = world.submit(seconds=2)
    worker = world.start()
    until(lambda: world.is_running(submission), 60, "it runs")
    worker.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    worker.send_signal(signal.SIGTERM)
    told = time.monotonic()
    worker.wait(30)
    print(f"handed back after {time.monotonic() - told:.1f} s")
    submission.refresh_from_db()
    assert (submission.state, submission.platform_faults) == (State.QUEUED, 0)
    world.start()
    world.settle(submission, faults=1)


def quit_at_once(world: World) -> None:
    """SIGQUIT, Celery's cold shutdown: handed back too."""
    submission = world.submit(seconds=2)
    worker = world.start()
    until(lambda: world.is_running(submission), 60, "it runs")
    worker.send_signal(signal.SIGQUIT)
    worker.wait(30)
    submission.refresh_from_db()
    assert (submission.state, submission.platform_faults) == (State.QUEUED, 0)
    world.start()
    world.settle(submission, faults=1)


def engine_away(world: World) -> None:
    """44. With the engine down nothing is claimed, so that no submission uses up its tries."""
    world.start()
    until(lambda: Host.objects.filter(pk__in=hosts.live()).exists(), 60, "the worker is there")
    world.engine.kill()
    submission = world.submit()
    time.sleep(3)
    submission.refresh_from_db()
    assert (submission.state, submission.attempt_count) == (State.QUEUED, 0)
    world.engine.start()
    world.settle(submission, faults=0)


STAGES = ("claim", "admit", "load", "run", "score", "before the commit", "after the commit")

CASES: dict[str, Case] = {
    **{f"worker killed, {stage}": partial(killed_at, stage) for stage in STAGES},
    "engine killed mid-run": engine_killed_mid_run,
    "engine away": engine_away,
    "worker stopped past its lease": stopped_past_its_lease,
    "bells five times": bell_five_times,
    "broker emptied": broker_emptied,
    "broker killed": broker_killed,
    "database killed mid-commit": database_killed_mid_commit,
    "disk full": disk_full,
    "five reapers": two_reapers,
    "kills its worker each time": kills_its_worker_each_time,
    "worker told to stop, twice": stopped_by_its_service_manager,
    "worker told to quit": quit_at_once,
}


def applies(name: str) -> bool:
    """False where there is no such server to kill: SQLite and files are none. RabbitMQ is emptied, not killed."""
    if name == "database killed mid-commit":
        return connection.vendor == "postgresql"
    if name == "broker killed":
        return urlsplit(broker_url()).scheme == "redis"
    return True
