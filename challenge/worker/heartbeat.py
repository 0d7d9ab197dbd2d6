"""Signs of life while a run is under way, from a thread beside it.

The run itself never waits for the database: it leaves its progress here and asks `should_stop`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType

import structlog
from django.db import DatabaseError, InterfaceError, connection

from challenge import submissions
from challenge.models import Attempt, AttemptState
from evaluator.pipeline import Progress

log = structlog.get_logger(__name__)

TICK_SECONDS = 0.5
"""Progress is written at most this often."""

LOOK_SECONDS = 2.0
"""How often we look whether somebody has cancelled: the container is then gone within five seconds."""


class Heartbeat:
    """Renews an attempt's lease, writes its progress, and notices when it must stop. A context manager.

    Does not write results and does not stop anything by itself.
    """

    def __init__(
        self, attempt: Attempt, lease_seconds: float, must_hand_back: Callable[[], bool] = lambda: False
    ) -> None:
        self._attempt = attempt
        self._lease_seconds = lease_seconds
        self._must_hand_back = must_hand_back
        self.hands_back = False
        """True once the run was stopped because the worker must stop."""
        self._progress: Progress | None = None
        self._stop = threading.Event()  # The run must stop.
        self._over = threading.Event()  # The run is over.
        self._thread = threading.Thread(target=self._beat, name=f"heartbeat {attempt.pk}", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def note(self, progress: Progress) -> None:
        """How far the run is; the thread writes it."""
        self._progress = progress

    def should_stop(self) -> bool:
        """True once the submission was cancelled or is ours no more."""
        return self._stop.is_set()

    def _beat(self) -> None:
        written: Progress | None = None
        renewed = looked = time.monotonic()
        try:
            while not self._over.wait(min(TICK_SECONDS, self._lease_seconds / 4)):
                now = time.monotonic()
                if not self._stop.is_set() and self._must_hand_back():
                    self.hands_back = True
                    self._stop_unless(False, "the worker was told to stop")
                try:
                    if now - renewed >= self._lease_seconds / 4:
                        self._stop_unless(submissions.renew(self._attempt, self._lease_seconds), "the lease is lost")
                        renewed = now
                    if now - looked >= LOOK_SECONDS:
                        self._stop_unless(not submissions.is_cancel_requested(self._attempt), "cancelled")
                        looked = now
                    progress = self._progress
                    if progress is not None and progress != written:
                        submissions.advance(
                            self._attempt,
                            AttemptState(progress.stage),
                            progress.images_done,
                            progress.images_total,
                        )
                        written = progress
                except (DatabaseError, InterfaceError) as error:
                    # The next beat tries again; past the lease another worker may have the submission.
                    log.warning("no heartbeat", error=str(error))
                    connection.close()
                    self._stop_unless(now - renewed < self._lease_seconds, "no database for as long as the lease")
        except Exception:
            # Without signs of life the lease runs out, and somebody else begins: the run is of no use any more.
            log.exception("the heartbeat failed")
            self._stop_unless(False, "no heartbeat")
        finally:
            connection.close()

    def _stop_unless(self, fine: bool, reason: str) -> None:
        if not fine and not self._stop.is_set() and not self._over.is_set():
            log.warning("the run must stop", reason=reason)
            self._stop.set()
