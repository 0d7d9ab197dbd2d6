"""Celery's doorbell. The tasks carry nothing: what is to be done stands in the database.

A bell may be lost (the reaper rings again), come twice (the second finds nothing) or come late (nothing is waiting).
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import mmap
import signal
import time
from collections.abc import Iterator
from typing import Any

from celery import signals
from django.conf import settings

from challenge.celery import app
from challenge.checks import reasons_not_to_start
from challenge.worker import reaper
from challenge.worker.claim import claim_next
from challenge.worker.evaluate import evaluate_attempt
from challenge.worker.host import register, require_safe_host

_reapers: list[reaper.ReaperThread] = []

# Shared with the pool's processes, which are forked after this module is loaded; memory without a name, so that a
# killed worker leaves no file. Celery 5.7 still takes bells for up to four seconds after it was told to stop
# (worker/loops.py: one more `_loop_cycle`).
_shared = mmap.mmap(-1, 16)
_is_stopping = ctypes.c_bool.from_buffer(_shared, 0)


# When the run under way is handed back, by the monotonic clock, which is one for all processes of a machine.
_hand_back_at = ctypes.c_double.from_buffer(_shared, 8)
_hand_back_at.value = math.inf


@app.task(name="parakh.ring")
def ring() -> None:
    """Evaluates the next submission. If more wait, rings for another worker, and at the end for its own next turn.

    One submission a bell, so that a worker that is told to stop stops after the one it has.
    """
    if _is_stopping.value:
        return  # Another worker, or the next one here, finds it waiting.
    attempt = claim_next()
    if attempt is None:
        return
    reaper.ring_for_this_host()
    with _sigterm_hands_back():
        evaluate_attempt(attempt, must_hand_back=lambda: time.monotonic() >= _hand_back_at.value)
    reaper.ring_for_this_host()  # Its cores are free now: what did not fit before may.


@contextlib.contextmanager
def _sigterm_hands_back() -> Iterator[None]:
    """Lets a SIGTERM to this process, of Celery's cold shutdown or of a service manager, end the run in good order."""

    def at_once(*given: Any) -> None:
        _hand_back_at.value = 0

    usual = signal.signal(signal.SIGTERM, at_once)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, usual)


@app.task(name="parakh.reap")
def reap() -> None:
    """One round of the reaper, for the beat."""
    reaper.reap()
    reaper.sweep()


@signals.celeryd_init.connect
def refuse_to_start(**kwargs: Any) -> None:
    """A worker with a wrong configuration or on an unsafe host does not start.

    Celery itself runs the system checks but reads no result.
    """
    reasons = reasons_not_to_start()
    if reasons:
        raise SystemExit("\n".join(["The worker was not started:", *reasons]))
    register(require_safe_host())


@signals.worker_ready.connect
def start_reaper(**kwargs: Any) -> None:
    """A worker that starts looks at once for what its predecessor left, and for what waits.

    Two threads: an engine that does not answer must not keep leases from being returned.
    """
    for round_ in (reaper.reap, reaper.sweep):
        thread = reaper.ReaperThread(round_, settings.PARAKH_REAP_SECONDS)
        thread.start()
        _reapers.append(thread)


@signals.worker_shutting_down.connect
def stop(how: str = "Warm", **kwargs: Any) -> None:
    """No new evaluation and no new round once the worker was told to stop.

    The run under way may end within PARAKH_STOP_SECONDS; then, or when told again, it is handed back.
    """
    is_urgent = how == "Cold" or _is_stopping.value
    _is_stopping.value = True
    _hand_back_at.value = 0 if is_urgent else time.monotonic() + settings.PARAKH_STOP_SECONDS
    for thread in _reapers:
        thread.stop()
