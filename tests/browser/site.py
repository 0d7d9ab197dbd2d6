"""A whole site of its own for browser tests and screenshots: gunicorn and, if wanted, a real worker, in a temporary
PARAKH_VAR. Nothing is shared with the site one works on."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Site:
    """Processes of one site. `url` is where it answers; logs lie beside the database."""

    def __init__(self, var: Path) -> None:
        self.var = var
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = {**os.environ, "PARAKH_VAR": str(var), "SITE_URL": self.url, "PYTHONUNBUFFERED": "1"}
        self.env.pop("DATABASE_URL", None)
        self._processes: list[subprocess.Popen[bytes]] = []

    def manage(self, *arguments: str) -> str:
        """`python manage.py ARGUMENTS`; its output. Fails loudly."""
        return self.python("manage.py", *arguments)

    def python(self, *arguments: str) -> str:
        """`python ARGUMENTS` in the site's environment; its output."""
        done = subprocess.run([sys.executable, *arguments], cwd=ROOT, env=self.env, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"python {' '.join(arguments)} failed:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def start_web(self) -> None:
        """gunicorn; returns when it answers. The first process that is started, if any other is."""
        self._start("web", "gunicorn", "challenge.wsgi", "--bind", f"127.0.0.1:{self.port}", "--threads", "4")
        self._until_it_answers()

    def kill_web(self) -> None:
        """kill -9 for gunicorn and its workers, as when the machine runs out of memory."""
        web = self._processes.pop(0)
        os.killpg(web.pid, signal.SIGKILL)
        web.wait()

    def web_group(self) -> int:
        """The process group of gunicorn and its workers."""
        return self._processes[0].pid

    def start_worker(self) -> None:
        """A Celery worker on the file-system broker."""
        self._start("worker", "celery", "-A", "challenge", "worker", "--pool", "solo", "--loglevel", "INFO")

    def log(self, name: str) -> str:
        """What a process has written, for a failure's message."""
        return (self.var / f"{name}.log").read_text(errors="replace")[-6000:]

    def stop(self) -> None:
        """Ends what it started, the worker by SIGTERM so that it finishes what it has."""
        for process in self._processes:
            process.send_signal(signal.SIGTERM)
        for process in self._processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self, name: str, module: str, *arguments: str) -> None:
        with (self.var / f"{name}.log").open("ab") as log:
            command = [sys.executable, "-m", module, *arguments]
            self._processes.append(
                subprocess.Popen(
                    command, cwd=ROOT, env=self.env, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
                )
            )

    def _until_it_answers(self) -> None:
        ends = time.monotonic() + 30
        while time.monotonic() < ends:
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                urllib.request.urlopen(self.url, timeout=5).close()
                return
            time.sleep(0.2)
        raise RuntimeError(f"the site does not answer at {self.url}:\n{self.log('web')}")


@contextlib.contextmanager
def running_site(var: Path) -> Iterator[Site]:
    """A migrated site with its static files; the caller seeds it and starts its processes."""
    var.mkdir(parents=True, exist_ok=True)
    site = Site(var)
    try:
        site.manage("migrate", "--verbosity", "0")
        site.manage("collectstatic", "--noinput", "--verbosity", "0")
        yield site
    finally:
        site.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
