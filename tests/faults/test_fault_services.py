"""Some of the faults on servers, in a process of their own: Django knows one database in its life. `make faults` does
all of them on each set."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from tests.faults.cases import CASES
from tests.faults.sets import SETS, services_of

HERE = "tests/faults/test_faults.py::test_nothing_is_lost_and_nothing_twice"

CHOSEN = {
    "SQLite and files": ["disk full, database"],
    "PostgreSQL and Redis": [
        "worker killed, before the commit",
        "worker stopped, before the commit",
        "broker killed",
        "database killed mid-commit",
        "disk full, database",
        "clock ahead",
    ],
    "PostgreSQL and RabbitMQ": [
        "worker killed, within the claim",
        "bells five times",
        "broker emptied",
        "broker killed",
        "database away past the lease",
        "five reapers",
    ],
}
"""What differs between servers, and what test_faults.py can't do to SQLite and files; about a minute a set."""


@pytest.mark.services
@pytest.mark.docker
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", SETS)
def test_on_services(name: str, tmp_path: Path) -> None:
    assert set(CHOSEN[name]) <= set(CASES)
    with services_of(name, tmp_path) as environment:
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "-p",
                "no:cacheprovider",
                *(f"{HERE}[{one}]" for one in CHOSEN[name]),
            ],
            cwd=settings.BASE_DIR,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=1100,
        )
    print(done.stdout[-20_000:], done.stderr[-2_000:])
    assert done.returncode == 0
    assert f"{len(CHOSEN[name])} passed" in done.stdout
