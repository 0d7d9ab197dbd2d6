"""A worker looks at its host before it takes anything: a real engine, and real worker processes."""

from __future__ import annotations

import datetime as dt
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.utils import timezone

from challenge import settings as site_settings
from challenge.models import Host
from challenge.organizing.offers import HostOffer
from challenge.worker.host import register, require_safe_host
from sandbox import Limits
from tests.relay import SOCKET, engine_without_tls


def environment_in(folder: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PARAKH_VAR": str(folder / "var")}


def start_worker(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A worker that is refused, and so ends by itself."""
    return subprocess.run(
        [sys.executable, "-m", "celery", "-A", "challenge", "worker", "--concurrency=1"],
        cwd=site_settings.BASE_DIR,
        env=environment_in(folder) | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_worker_does_not_start_on_an_unsafe_host(tmp_path: Path) -> None:
    migrate = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
    subprocess.run(migrate, cwd=site_settings.BASE_DIR, env=environment_in(tmp_path), check=True, timeout=120)
    with engine_without_tls() as address:
        done = start_worker(tmp_path, DOCKER_HOST=address)
    assert done.returncode != 0
    assert "not safe" in done.stderr
    assert f"{address} without TLS" in done.stderr
    assert "DOCKER_HOST=ssh://" in done.stderr, "what to do"
    assert "PARAKH_ALLOW_UNSAFE_HOST=1" in done.stderr, "how to start it all the same"
    assert "Traceback" not in done.stderr


def test_an_unsafe_host_is_used_if_an_operator_says_so(
    settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with engine_without_tls() as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        with pytest.raises(SystemExit, match="not safe"):
            require_safe_host()
        settings.PARAKH_ALLOW_UNSAFE_HOST = True
        caplog.clear()
        require_safe_host()
    assert [record for record in caplog.records if record.levelno == logging.ERROR and "without TLS" in record.message]


def test_warnings_are_logged_once_each(caplog: pytest.LogCaptureFixture, settings) -> None:
    settings.PARAKH_CPUSET = "0"
    require_safe_host()
    told = [record.message for record in caplog.records if "about this host" in record.message]
    assert len(told) == len(set(told))
    assert all("remedy" in message for message in told)


def test_a_worker_waits_for_an_engine_that_is_being_restarted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    socket = tmp_path / "engine.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{socket}")
    threading.Timer(1.5, lambda: socket.symlink_to(SOCKET)).start()
    require_safe_host(patience=30)
    waiting = [record.message for record in caplog.records if "waiting for the engine" in record.message]
    assert len(waiting) == 1


def test_a_worker_does_not_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    with pytest.raises(SystemExit, match="no Docker Engine answers"):
        require_safe_host(patience=0.1)


def test_a_phase_may_ask_for_the_runtimes_that_the_engine_has(
    db: None, settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    limits = Limits(runtime="runsc")
    problems = dict(HostOffer.of("default").problems(limits))
    assert "the evaluation hosts offer runc." in problems["runtime"]
    settings.PARAKH_HOST_RUNTIMES = ("runc", "runsc")
    assert "runtime" not in dict(HostOffer.of("default").problems(limits))


def test_sqlite_is_not_shared_with_a_worker_on_another_machine(db: None, settings) -> None:
    settings.PARAKH_ALLOW_UNSAFE_HOST = True
    found = require_safe_host()
    settings.PARAKH_HOST_NAME = "host-1"
    register(found)
    settings.PARAKH_HOST_NAME = "host-2"
    register(found)  # Two names on one machine are well.
    elsewhere = Host.objects.get(name="host-1")
    Host.objects.filter(name="host-1").update(facts=elsewhere.facts | {"boot": "of another machine"})
    with pytest.raises(SystemExit, match=r"host-1, another machine.*\n.*DATABASE_URL=postgres"):
        register(found)
    Host.objects.filter(name="host-1").update(last_seen=timezone.now() - dt.timedelta(minutes=5))
    register(found)  # It is gone.
