"""47, 48. The broker is emptied or dies, the database dies, or a worker stops while it holds the database's locks."""

from __future__ import annotations

import shutil
import time
from urllib.parse import urlsplit

import redis as redis_client
from django.conf import settings
from django.db import connection
from kombu import Connection

from challenge.celery import bell_queue, broker_options
from challenge.models import State
from tests.challenge.workers import broker_url
from tests.faults import servers
from tests.faults.world import LEASE_SECONDS, PATIENCE_SECONDS, World, resume
from tests.services import until


def broker_emptied(world: World) -> None:
    """All bells are lost while the workers are at work: a file-system broker with its folders."""
    first = world.submit(seconds=0.5)
    world.start()
    until(lambda: world.is_running(first), PATIENCE_SECONDS, "the first runs")
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
    """kill -9 for a broker with a server of its own; it starts again a moment later, with nothing in it."""
    submission = world.submit(seconds=0.5)
    world.start()
    until(lambda: world.is_running(submission), PATIENCE_SECONDS, "it runs")
    restart = servers.kill_broker(broker_url())
    try:
        waiting = world.submit()  # Its bell can't be rung.
        time.sleep(1)
    finally:
        restart()
        until(_broker_answers, PATIENCE_SECONDS, "the broker answers again")
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
    """The database server is killed while a result is being written, and recovers."""
    submission = world.submit()
    world.start(stop_at="before the commit")
    process = world.until_stopped()
    connection.close()
    servers.kill(servers.database_process())()
    resume(process)
    world.settle(submission, faults=0)


def database_away_past_the_lease(world: World) -> None:
    """It is gone for longer than a lease while a container answers. Whether the run outlives that is a race."""
    submission = world.submit(seconds=1)
    world.start()
    until(lambda: world.is_running(submission), PATIENCE_SECONDS, "it runs")
    restart = servers.kill(servers.database_process())
    try:
        time.sleep(2 * LEASE_SECONDS)
    finally:
        restart()
    world.settle(submission)


def stopped_mid_commit(world: World) -> None:
    """A worker stops with the submission's row locked: PostgreSQL breaks it off, and the reaper gets through."""
    submission = world.submit()
    world.start(stop_at="before the commit", PARAKH_LOCK_SECONDS="2")
    process = world.until_stopped()
    world.start()
    world.reaches(submission, State.FINISHED)
    resume(process)
    time.sleep(LEASE_SECONDS)
    world.settle(submission, faults=1)
