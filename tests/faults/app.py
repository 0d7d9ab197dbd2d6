"""The Celery app of a worker that stops dead at a named point: `celery -A tests.faults.app worker`, FAULT_AT=run.

The process stops itself (SIGSTOP, all of its threads), leaves the file FAULT_MARK to say so, and is then killed or let
go on by the test. The product itself has no such hooks: they are put around its functions here.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

from challenge.celery import app as app

django.setup()

from challenge import results  # noqa: E402 (Django must be set up first)
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
    "claim": lambda: before(tasks, "evaluate_attempt"),
    "admit": lambda: before(pipeline, "pack_code"),
    "load": lambda: after(pipeline.images, "load"),
    "run": at_the_second_image,
    "score": lambda: before(pipeline, "scores"),
    "before the commit": lambda: after(results, "refresh_board"),
    "after the commit": lambda: after(evaluate, "_persist"),
}
if os.environ.get("FAULT_AT"):
    STAGES[os.environ["FAULT_AT"]]()
