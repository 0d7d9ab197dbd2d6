"""The same code on real services: the tests of the state machine, of concurrency and of the worker run once more, on
PostgreSQL and Redis instead of SQLite and files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from tests import services

pytestmark = [pytest.mark.services, pytest.mark.docker]


def test_on_postgresql_and_redis(tmp_path: Path) -> None:
    with services.postgresql() as database, services.redis(tmp_path / "redis") as broker:
        here = "tests/challenge/"
        again = [f"{here}test_{name}.py" for name in ("submissions", "concurrency", "uploads_quota", "worker")]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *again],
            cwd=settings.BASE_DIR,
            env={**os.environ, "DATABASE_URL": database, "TEST_BROKER_URL": broker},
            capture_output=True,
            text=True,
            check=False,
            timeout=290,
        )
    print(done.stdout[-20_000:], done.stderr[-2_000:])
    assert done.returncode == 0
    assert "skipped" not in done.stdout
