"""Keeps the label maps of an attempt that has gone well. Nothing here may cost the attempt its score."""

from __future__ import annotations

import tempfile
import threading
import time
from typing import IO

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from challenge import kept, submissions
from challenge.models import Attempt
from challenge.storage import Away
from evaluator.datasets import Dataset
from evaluator.keeping import Keeper, NotKept
from evaluator.predictions import labels_of

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 30.0
"""For the storage. It may be away for longer; the score is published without it then."""

SPARE_SECONDS = 30.0
"""So long before the attempt's deadline it is too late to wait for anything but the database."""

PAUSE_SECONDS = 2.0


def keep(attempt: Attempt, dataset: Dataset, keeper: Keeper) -> bool:
    """Packs and stores them before the result is published. False: they are not kept; why is noted in the attempt."""
    patience = min(PATIENCE_SECONDS, (submissions.deadline(attempt) - timezone.now()).total_seconds() - SPARE_SECONDS)
    packed = tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR)  # noqa: SIM115 (_Storing closes it)
    try:
        keeper.pack(list(labels_of(dataset)), packed)
        if not (drawn := kept.name(attempt)):
            return False
        storing = _Storing(drawn, packed)
        storing.start()
        if storing.is_done_within(patience):
            return True
        return _not_kept(attempt, f"the storage did not take them within {max(0, patience):.0f} s: {storing.failure}")
    except (OSError, NotKept) as error:
        return _not_kept(attempt, str(error))
    except (OperationalError, InterfaceError) as error:  # Publishing waits for the database; this does not.
        log.warning("label maps are not kept", why=str(error))
        connection.close()
        return False


def _not_kept(attempt: Attempt, why: str) -> bool:
    log.warning("label maps are not kept", why=why)
    kept.give_up(attempt, why)
    return False


class _Storing(threading.Thread):
    """Tries until it is done or given up. A storage that hangs holds up this thread, and nobody who waits for it."""

    def __init__(self, drawn: str, packed: IO[bytes]) -> None:
        super().__init__(name=f"storing {drawn}", daemon=True)
        self.failure = "no answer"
        self._drawn, self._packed = drawn, packed
        self._lock = threading.Lock()
        self._is_done = self._is_given_up = False

    def is_done_within(self, seconds: float) -> bool:
        """Waits for it; gives it up where it takes longer."""
        self.join(max(0, seconds))
        with self._lock:
            self._is_given_up = not self._is_done
            return self._is_done

    def run(self) -> None:
        with self._packed:
            while not self._is_given_up:
                try:
                    kept.store(self._drawn, self._packed)
                except Away as error:
                    self.failure = repr(error.__cause__)
                    time.sleep(PAUSE_SECONDS)
                    continue
                with self._lock:
                    self._is_done = not self._is_given_up
                if not self._is_done:
                    kept.discard(self._drawn)  # Nobody knows its name any more.
                return
