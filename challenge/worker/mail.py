"""Every worker and the beat send the mails that wait.

In a thread of its own, so that a slow mail server delays only mails.
"""

from __future__ import annotations

from typing import Any

from celery import signals
from django.conf import settings

from challenge import mails
from challenge.worker.reaper import ReaperThread

_threads: list[ReaperThread] = []


@signals.worker_ready.connect
@signals.beat_init.connect
def start(**kwargs: Any) -> None:
    """In the worker's main process, or in the beat."""
    _threads.append(ReaperThread(_send, settings.PARAKH_REAP_SECONDS))
    _threads[-1].start()


@signals.worker_shutting_down.connect
def stop(**kwargs: Any) -> None:
    """No new mail once the worker was told to stop."""
    for thread in _threads:
        thread.stop()


def _send() -> None:
    mails.rounds(should_stop=lambda: any(thread.is_stopping for thread in _threads))
