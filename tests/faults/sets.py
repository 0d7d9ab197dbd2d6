"""The sets of services that the site runs on, each started for real."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests import services

SETS = ("SQLite and files", "PostgreSQL and Redis", "PostgreSQL and RabbitMQ")


@contextlib.contextmanager
def services_of(name: str, folder: Path) -> Iterator[dict[str, str]]:
    """Starts them, and yields the environment of a site on them."""
    with contextlib.ExitStack() as stack:
        if name == SETS[0]:
            yield {"DATABASE_URL": f"sqlite:///{folder}/faults.sqlite3"}
            return
        database = stack.enter_context(services.postgresql())
        start = services.redis if name == SETS[1] else services.rabbitmq
        broker = stack.enter_context(start(folder / "broker-server"))
        yield {"DATABASE_URL": database, "TEST_BROKER_URL": broker}
