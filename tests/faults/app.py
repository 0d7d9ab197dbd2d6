"""The Celery app of a worker that stops dead at a named point: `celery -A tests.faults.app worker`, FAULT_AT=run.

The process stops itself (SIGSTOP, all of its threads), leaves the file FAULT_MARK to say so, and is then killed or let
go on by the test. The product itself has no such hooks: they are put around its functions here.

The clock of the database is as far ahead, for this worker, as the file FAULT_CLOCK says: see cases_clock.py.
"""

from __future__ import annotations

import datetime as dt
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

from challenge.celery import app as app

django.setup()

from django.db.backends.signals import connection_created  # noqa: E402 (Django must be set up first)

from challenge import ranking, submissions  # noqa: E402
from challenge.worker import evaluate, heartbeat, tasks  # noqa: E402
from evaluator import pipeline  # noqa: E402
from evaluator.pipeline import Progress  # noqa: E402


def stop_here() -> None:
    """Stops this process, once."""
    mark = Path(os.environ["FAULT_MARK"])
    if not mark.exists():
        mark.write_text(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGSTOP)


def before(module: Any, name: str) -> None:
    """Stops before the function begins."""
    usual: Callable[..., Any] = getattr(module, name)

    def stopping(*args: Any, **given: Any) -> Any:
        stop_here()
        return usual(*args, **given)

    setattr(module, name, stopping)


def after(module: Any, name: str) -> None:
    """Stops when the function has returned."""
    usual: Callable[..., Any] = getattr(module, name)

    def stopping(*args: Any, **given: Any) -> Any:
        result = usual(*args, **given)
        stop_here()
        return result

    setattr(module, name, stopping)


def at_the_second_image() -> None:
    """Stops when an image has been answered."""
    usual = heartbeat.Heartbeat.note

    def stopping(self: heartbeat.Heartbeat, progress: Progress) -> None:
        usual(self, progress)
        if progress.images_done:
            stop_here()

    heartbeat.Heartbeat.note = stopping  # type: ignore[method-assign]


STAGES: dict[str, Callable[[], None]] = {
    "within the claim": lambda: before(submissions, "_new_attempt"),
    "claim": lambda: before(tasks, "evaluate_attempt"),
    "admit": lambda: before(pipeline, "pack_code"),
    "before the load": lambda: before(pipeline.images, "load"),
    "load": lambda: after(pipeline.images, "load"),
    "run": at_the_second_image,
    "score": lambda: before(pipeline, "scores"),
    "before the commit": lambda: after(ranking, "refresh"),
    "after the commit": lambda: after(evaluate, "_persist"),
}


def own_clock(connection: Any, **given: Any) -> None:
    """Puts the test's clock before the database's own, for this connection."""
    if connection.vendor == "sqlite":
        connection.connection.create_function("strftime", -1, _strftime)
    else:
        with connection.cursor() as cursor:
            cursor.execute("SET search_path = clock, public, pg_catalog")


def _strftime(*asked: str) -> str:
    """As Django asks SQLite for the time: with milliseconds."""
    now = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=float(Path(os.environ["FAULT_CLOCK"]).read_text()))
    return f"{now:%Y-%m-%d %H:%M:%S}.{now.microsecond // 1000:03}"


if Path(os.environ["FAULT_CLOCK"]).exists():
    connection_created.connect(own_clock)
if os.environ.get("FAULT_AT"):
    STAGES[os.environ["FAULT_AT"]]()
