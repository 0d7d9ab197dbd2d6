"""The same faults on servers, once more in a process of their own: Django knows one database in its life."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from tests.faults.sets import SETS, services_of


@pytest.mark.services
@pytest.mark.docker
@pytest.mark.timeout(1500)
@pytest.mark.skipif(
    not os.environ.get("PARAKH_FAULTS_ON_SERVERS"),
    reason="minutes long: set PARAKH_FAULTS_ON_SERVERS=1, or see `make faults`",
)
@pytest.mark.parametrize("name", SETS[1:])
def test_on_servers(name: str, tmp_path: Path) -> None:
    with services_of(name, tmp_path) as environment:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/faults/test_faults.py"],
            cwd=settings.BASE_DIR,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=1400,
        )
    print(done.stdout[-20_000:], done.stderr[-2_000:])
    assert done.returncode == 0
