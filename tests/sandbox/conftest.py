"""A real Docker Engine, and an eye on what is left behind in it."""

from __future__ import annotations

from collections.abc import Iterator

import docker
import pytest

from sandbox.bases.build import build
from sandbox.engine import connect
from tests.sandbox.guests import Trial, left_behind, volumes_of


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """The engine, with the root image built. Fails, and never skips, where there is none."""
    build("pytorch")
    client = connect()
    yield client
    client.close()


@pytest.fixture
def trial(engine: docker.DockerClient) -> Iterator[Trial]:
    """Runs programs in containers; afterwards nothing of them may be left: containers, volumes, cgroups."""
    before = volumes_of(engine)
    made = Trial()
    yield made
    assert left_behind(engine, made.ids) == []
    assert volumes_of(engine) <= before, "an anonymous volume was left on the host's disk"
