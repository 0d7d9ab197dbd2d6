"""The sets of services that the site runs on, each started for real."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests import services
from tests.faults.disks import small_disk

SETS = ("SQLite and files", "PostgreSQL and Redis", "PostgreSQL and RabbitMQ")


DISK_MEGABYTES = 512


@contextlib.contextmanager
def services_of(name: str, folder: Path) -> Iterator[dict[str, str]]:
    """Starts them, the database on a small disk of its own, and yields the environment of a site on them."""
    with contextlib.ExitStack() as stack:
        # Not within `folder`: PostgreSQL's user has to get there.
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="parakh-database-")))
        place.chmod(0o755)
        disk = stack.enter_context(small_disk(place / "disk", DISK_MEGABYTES))
        environment = {"FAULT_DATABASE_DISK": str(disk.place)}
        if name == SETS[0]:
            yield environment | {"PARAKH_VAR": str(disk.place), "DATABASE_URL": f"sqlite:///{disk.place}/db.sqlite3"}
            return
        database = stack.enter_context(services.postgresql(disk.place))
        start = services.redis if name == SETS[1] else services.rabbitmq
        broker = stack.enter_context(start(folder / "broker-server"))
        yield environment | {"DATABASE_URL": database, "TEST_BROKER_URL": broker}
