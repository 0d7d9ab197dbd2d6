"""52. The database's clock jumps while a worker is at work. See also test_submissions_clock.py.

The machine's clock stays as it is: it is everybody's. The workers see the other one, on connections of their own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from django.db import connection

from challenge.models import Attempt
from tests.faults.world import PATIENCE_SECONDS, World
from tests.services import until

HOUR = 3600


@contextlib.contextmanager
def clock(world: World) -> Iterator[Callable[[float], None]]:
    """Sets how many seconds ahead the clock is, of workers that are started within."""

    def set_to(ahead: float) -> None:
        world.clock.write_text(str(ahead))
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("CREATE SCHEMA IF NOT EXISTS clock")
                cursor.execute(
                    "CREATE OR REPLACE FUNCTION clock.statement_timestamp() RETURNS timestamptz LANGUAGE sql STABLE AS "
                    f"$$ SELECT pg_catalog.statement_timestamp() + interval '{ahead} seconds' $$"
                )

    set_to(0)
    try:
        yield set_to
    finally:
        world.workers.stop_all()
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("DROP SCHEMA clock CASCADE")


def jumps_ahead(world: World) -> None:
    """All leases run out at once: it costs a try, and nothing else."""
    with clock(world) as set_to:
        submission = world.submit(seconds=1)
        world.start()
        until(lambda: world.is_running(submission), PATIENCE_SECONDS, "it runs")
        set_to(HOUR)
        until(lambda: submission.attempts.filter(verdict="WORKER_LOST").exists(), PATIENCE_SECONDS, "its lease ran out")
        world.settle(submission, faults=1)
        assert _hours_apart(submission.attempts.all()) == 1


def jumps_back(world: World) -> None:
    """The run goes on; and a worker that dies then has no lease of an hour."""
    with clock(world) as set_to:
        set_to(HOUR)
        first = world.submit(seconds=1)
        worker = world.start()
        until(lambda: world.is_running(first), PATIENCE_SECONDS, "the first runs")
        set_to(0)
        second = world.submit(seconds=1)
        until(lambda: world.is_running(second), PATIENCE_SECONDS, "the second runs")
        set_to(-HOUR)
        world.workers.kill(worker)
        world.start()
        world.settle(second, faults=1)
        world.settle(first, faults=0)


def _hours_apart(attempts: list[Attempt]) -> int:
    """That the clock was set at all: between the claims of two attempts."""
    first, second = sorted(attempt.claimed_at for attempt in attempts)
    return round((second - first).total_seconds() / HOUR)
