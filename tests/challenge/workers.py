"""Real worker processes for tests: they share the test's database and files, and get their bells from a real broker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from django.conf import settings
from django.db import connection
from kombu import Connection

from challenge.broker import Transport
from challenge.celery import app, bell_queue, broker_options


def database_url() -> str:
    """The test's own database, for another process."""
    found = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{found['NAME']}"
    return f"postgres://{found['USER']}@{found['HOST']}:{found['PORT']}/{found['NAME']}"


def broker_url() -> str:
    """The broker of this test run: files, or the Redis that test_services.py has started."""
    return os.environ.get("TEST_BROKER_URL", "filesystem://localhost")


class Workers:
    """Starts worker processes, rings for them, and ends what is left of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[subprocess.Popen[bytes]] = []
        self.log = folder / "worker.log"

    def start(self, app: str = "challenge", **environment: str) -> subprocess.Popen[bytes]:
        """A worker with one slot, in a process group of its own."""
        with self.log.open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", app, "worker", "--concurrency=1", "--loglevel=INFO"],
                env={
                    **os.environ,
                    "PARAKH_VAR": str(self.folder),
                    "DATABASE_URL": database_url(),
                    "BROKER_URL": broker_url(),
                    "SECRET_KEY": settings.SECRET_KEY,
                    "PARAKH_LEASE_SECONDS": "4",
                    "PARAKH_REAP_SECONDS": "1",
                    "PARAKH_HOST_NAME": "test-host",
                    **environment,
                },
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.started.append(worker)
        return worker

    def kill(self, worker: subprocess.Popen[bytes]) -> None:
        """kill -9 for the worker and all its children, as a power cut would."""
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()

    def stop_all(self) -> None:
        """Ends what is still running."""
        for worker in self.started:
            if worker.poll() is None:
                self.kill(worker)

    def ring(self, queue: str = "default") -> None:
        """What the site does on commit, over this test's broker."""
        Transport.global_state.clear()  # What this process has declared in another test's folder.
        options = broker_options(broker_url())
        with Connection(broker_url(), transport_options=options) as bell:
            app.send_task(
                "parakh.ring", connection=bell, exchange="", routing_key=bell_queue(queue), ignore_result=True
            )
