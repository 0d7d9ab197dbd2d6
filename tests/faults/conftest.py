"""One engine of our own for all cases, a world for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.bases.build import build
from tests.faults import servers
from tests.faults import world as worlds
from tests.faults.engine import Engine, own_engine


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """A second daemon; needs the root image of the first."""
    build("pytorch")
    with own_engine() as made:
        yield made


@pytest.fixture(scope="session", autouse=True)
def no_server_is_left() -> Iterator[None]:
    """What was killed and started again is ended with the session."""
    yield
    servers.stop_all()


@pytest.fixture
def world(transactional_db: None, engine: Engine) -> Iterator[worlds.World]:
    """Workers, services and one phase."""
    with worlds.world(engine) as made:
        yield made
