"""The same code on real services: the tests of the state machine, of concurrency and of the worker run once more, on
PostgreSQL with Redis or RabbitMQ instead of SQLite and files."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from django.conf import settings

from tests import services

StartBroker = Callable[[Path], AbstractContextManager[str]]

pytestmark = [pytest.mark.services, pytest.mark.docker, pytest.mark.timeout(960)]


ON_THE_DATABASE = (
    "submissions", "submissions_final", "submissions_clock", "concurrency", "leaderboard", "ranking", "ranking_acts",
    "my_team", "tokens", "mails", "uploads_quota", "kept", "worker", "api_keys",
)  # fmt: skip
ON_THE_BROKER = ("submissions", "worker")


@pytest.mark.parametrize(
    ("start_broker", "files"), [(services.redis, ON_THE_DATABASE), (services.rabbitmq, ON_THE_BROKER)]
)
def test_on_postgresql_and_a_broker(tmp_path: Path, start_broker: StartBroker, files: tuple[str, ...]) -> None:
    with services.postgresql() as database, start_broker(tmp_path / "broker") as broker:
        again = [f"tests/challenge/test_{name}.py" for name in files]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *again],
            cwd=settings.BASE_DIR,
            env={
                **os.environ,
                "DATABASE_URL": database,
                "TEST_BROKER_URL": broker,
                # Runs are named after key and database: another test run on this engine must not sweep ours away.
                "SECRET_KEY": secrets.token_urlsafe(50),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
    print(done.stdout[-20_000:], done.stderr[-2_000:])
    assert done.returncode == 0
    assert "skipped" not in done.stdout


def test_boards_on_postgresql() -> None:
    """Windows, upserts, NULLs in orders and JSON in sums are not alike in all databases."""
    names = ("leaderboard", "ranking", "ranking_acts", "private")
    with services.postgresql() as database:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
            + [f"tests/challenge/test_{name}.py" for name in names],
            cwd=settings.BASE_DIR,
            env={**os.environ, "DATABASE_URL": database},
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
    print(done.stdout[-20_000:], done.stderr[-2_000:])
    assert done.returncode == 0
    assert "skipped" not in done.stdout
