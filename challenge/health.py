"""Is everything there that the site needs? Each part is really asked, and has its own time limit.

A part that hangs holds one thread, however often it is asked for; strangers who ask all the time get the answer of a
moment ago.
"""

from __future__ import annotations

import dataclasses
import shutil
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime

import structlog
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor

from challenge import hosts
from challenge.celery import app

FRESH_SECONDS = 2.0
"""How long an answer holds for those who ask next."""

LEAST_FREE_BYTES = 50 * 1024**2
"""Below that the storage takes no upload worth the name."""

log = structlog.get_logger(__name__)


class Unhealthy(Exception):
    """What is wrong with a part, for the log."""


@dataclasses.dataclass(frozen=True, slots=True)
class Health:
    """What a part answered. `detail` is for operators: it may name hosts and paths."""

    ok: bool
    seconds: float
    detail: str = ""


class Part:
    """Something the site needs."""

    def __init__(self, ask: Callable[[], None], limit_seconds: float) -> None:
        self._ask = ask
        self._limit_seconds = limit_seconds
        self._turn = threading.Lock()
        self._asked: Future[None] | None = None
        self._asked_at = float("-inf")

    def health(self) -> Health:
        """Its answer, or that there was none within the limit. Never raises, never takes longer than the limit."""
        with self._turn:
            is_fresh = time.monotonic() - self._asked_at < FRESH_SECONDS
            # One that still hangs is not asked again: the threads would pile up.
            if self._asked is None or (self._asked.done() and not is_fresh):
                self._asked, self._asked_at = Future(), time.monotonic()
                threading.Thread(target=self._answer, args=(self._asked,), name="health", daemon=True).start()
            asked, since = self._asked, self._asked_at
        left = max(0.0, self._limit_seconds - (time.monotonic() - since))
        try:
            asked.result(left)
        except NotInTime:
            return Health(False, self._limit_seconds, f"no answer within {self._limit_seconds:g} s")
        except Exception as error:  # Whatever a driver throws means: it does not work.
            return Health(False, time.monotonic() - since, f"{type(error).__name__}: {error}")
        return Health(True, time.monotonic() - since)

    def _answer(self, future: Future[None]) -> None:
        try:
            self._ask()
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(None)
        finally:
            connections.close_all()


def _database() -> None:
    """It answers, and has the tables that this code works with."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    missing = unapplied_migrations()
    if missing:
        raise Unhealthy(f"migrations are not applied: {', '.join(missing)}")


def unapplied_migrations() -> list[str]:
    """What `manage.py migrate` would do, as `APP.NAME`. Those of newer code that the database has do no harm."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def _broker() -> None:
    with app.connection_for_write(connect_timeout=2) as bell:
        bell.connect()
        bell.default_channel  # noqa: B018  (Redis is spoken to only when the channel is made.)


def _storage() -> None:
    """A file can be written, read and removed; a full disk shows here before it does in an upload."""
    name = default_storage.save(f"health/{uuid.uuid4()}", ContentFile(b"parakh"))
    try:
        with default_storage.open(name) as file:
            if file.read() != b"parakh":
                raise Unhealthy("what was written is not what is read")
    finally:
        default_storage.delete(name)
    if "FileSystem" in settings.STORAGES["default"]["BACKEND"]:
        free = shutil.disk_usage(settings.MEDIA_ROOT).free
        if free < LEAST_FREE_BYTES:
            raise Unhealthy(f"{free // 1024**2} MiB are free")


def _engine() -> None:
    """Some host in service has been seen lately, which it is only while its engine answers."""
    if not hosts.live().exists():
        raise Unhealthy("no evaluation host in service has been seen lately")


PARTS = {
    "database": Part(_database, 3),
    "broker": Part(_broker, 3),
    "storage": Part(_storage, 5),
    "engine": Part(_engine, 3),
}


def look(without: frozenset[str] = frozenset()) -> dict[str, Health]:
    """All parts but those, asked one beside the other. What is wrong goes to the log."""
    wanted = {name: part for name, part in PARTS.items() if name not in without}
    found: dict[str, Health] = {}

    def ask(name: str, part: Part) -> None:
        found[name] = part.health()

    threads = [threading.Thread(target=ask, args=item, daemon=True) for item in wanted.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, health in found.items():
        if not health.ok:
            log.warning("not ready", part=name, detail=health.detail)
    return {name: found[name] for name in wanted}
