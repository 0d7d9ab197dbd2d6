"""Brings back what a lost worker held, and clears away what it left.

Every worker reaps from a thread of its main process, so that it happens also while all its slots are busy; so does
the beat, where one runs. Any number of reapers may run at once.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from functools import partial

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import connection, connections
from django.db.models.functions import Now

import sandbox
from challenge import faults, idempotency, kept, lineup, submissions
from challenge.celery import ring_if_silent
from challenge.models import Attempt, AttemptState, Host, State, Submission
from challenge.organizing import reruns
from challenge.worker.claim import run_prefix
from challenge.worker.host import is_alive
from sandbox import Code

log = structlog.get_logger(__name__)

KEPT_SECONDS = 3600


def reap() -> None:
    """One round over the database: expired leases, lost bells, uploads that broke off.

    One that can't be done keeps no other from being done: an error is logged, and the next round tries again.
    """
    _each(mend_clocks, return_leases, reruns.feed, ring_for_this_host)
    _each(submissions.drop_broken_uploads, sweep_kept, sweep_keys)


def _each(*steps: Callable[[], object]) -> None:
    for step in steps:
        try:
            step()
        except Exception:
            log.exception("the reaper could not do this; it will try again", step=getattr(step, "__name__", str(step)))
            connection.close()  # It may be what failed.


def return_leases() -> None:
    """Puts back into the queue what workers hold that gave no sign of life."""
    lost = partial(submissions.platform_fault, code=Code.WORKER_LOST, detail="no sign of life", only_if_expired=True)
    _each(*(partial(lost, attempt) for attempt in expired()))


def sweep_kept() -> None:
    """Once in KEPT_SECONDS, on one machine or each: label maps that no board needs and that were left behind."""
    if cache.add("parakh-kept-swept", True, KEPT_SECONDS) and kept.sweep():
        cache.delete("parakh-kept-swept")  # There is more: go on in the next round.


def sweep_keys() -> None:
    """Once in KEPT_SECONDS: keys of requests that nobody will send again."""
    if cache.add("parakh-keys-swept", True, KEPT_SECONDS):
        idempotency.sweep()


def ring_for_this_host() -> None:
    """Rings for what waits and could be taken by this host's workers. Bells may have been lost."""
    here = Host.objects.filter(name=settings.PARAKH_HOST_NAME, quarantined_at=None).first()
    for queue in lineup.due_queues(here) if here else ():
        ring_if_silent(queue)


def mend_clocks() -> None:
    """After the database's clock was set back: no lease and no pause may reach further than it was ever given."""
    longest = dt.timedelta(seconds=2 * settings.PARAKH_LEASE_SECONDS)
    far = Submission.objects.filter(state=State.EVALUATING, lease_until__gt=Now() + longest)
    far.update(lease_until=Now() + longest)
    Submission.objects.filter(state=State.QUEUED, not_before__gt=Now() + 2 * faults.LONGEST_PAUSE).update(
        not_before=Now()
    )


def expired() -> list[Attempt]:
    """Attempts whose worker has let the lease run out."""
    return list(
        Attempt.objects.select_related("submission")
        .exclude(state=AttemptState.DONE)
        .filter(submission__state=State.EVALUATING, submission__lease_until__lt=Now())
    )


def sweep() -> None:
    """Removes from this machine's engine what runs that nobody holds have left there; says that this host is alive."""
    is_alive()
    try:
        removed = sandbox.sweep(run_prefix(), _LiveRuns())
    except sandbox.SandboxUnavailable as error:
        log.warning("the engine can't be asked for leftovers", error=str(error))
        return
    if removed:
        log.warning("removed leftovers of lost runs", removed=removed)


class _LiveRuns(set[str]):
    """The ids of runs that somebody holds, asked of the database one by one, when a leftover has been seen.

    A set drawn up before the engine is asked would lack a run that began in between, and its container would be taken.
    """

    def __contains__(self, run: object) -> bool:
        number = str(run).removeprefix(run_prefix())
        live = Attempt.objects.exclude(state=AttemptState.DONE)
        return number.isdecimal() and live.filter(pk=int(number)).exists()


class ReaperThread(threading.Thread):
    """Does one kind of round every `seconds` until it is told to stop. An error is logged, and the next round comes."""

    def __init__(self, round_: Callable[[], None], seconds: float) -> None:
        super().__init__(name=f"reaper: {round_.__name__}", daemon=True)
        self._seconds = seconds
        self._round = round_
        self._over = threading.Event()

    def run(self) -> None:
        while True:
            try:
                self._round()
            except Exception:
                log.exception("the reaper failed; it will try again")
            finally:
                # Children are forked from this process: they must not inherit an open connection.
                connections.close_all()
            if self._over.wait(self._seconds):
                return

    @property
    def is_stopping(self) -> bool:
        """True once it was told to stop."""
        return self._over.is_set()

    def stop(self) -> None:
        """Ends the thread after the round it is in."""
        self._over.set()
