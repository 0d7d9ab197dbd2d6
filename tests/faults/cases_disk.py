"""49. A full disk: where uploads arrive and are kept, where a run is packed, where images are loaded, where the log is
written, and where the database lies. Nothing is lost, and once there is room everything goes on by itself."""

from __future__ import annotations

import io
import os
import secrets
import time
import zipfile
from pathlib import Path

import pytest
from django.db import OperationalError, connection
from django.test import override_settings

from challenge import hosts, storage, submissions, uploads
from challenge.models import Host, State, Submission
from tests.faults import servers
from tests.faults.disks import MIB, Disk, small_disk
from tests.faults.engine import PREDICT
from tests.faults.world import LEASE_SECONDS, PATIENCE_SECONDS, World, resume
from tests.services import until

DATABASE_DISK = "FAULT_DATABASE_DISK"
"""The variable that names the small disk that the database lies on: see sets.py."""


def full_for_uploads(world: World) -> None:
    """First where an upload arrives, then where it is kept: what has arrived stays, and goes on."""
    incoming = world.folder / "incoming"
    incoming.mkdir()
    with (
        small_disk(incoming, 2048) as arriving,
        small_disk(world.folder / "media", 64) as kept,
        override_settings(FILE_UPLOAD_TEMP_DIR=incoming),
    ):
        whole = _large_zip()
        submission = _begun(world, len(whole))
        arriving.fill(leave=MIB)
        with pytest.raises(storage.Away, match="no room"):
            submissions.receive(submission, 0, io.BytesIO(whole), len(whole))
        arrived = uploads.offset(submission)
        assert 0 < arrived < len(whole)
        with pytest.raises(storage.Away, match="no room"):
            _begun(world, len(whole))
        arriving.clear()
        kept.fill(leave=MIB)
        with pytest.raises(storage.Away, match="no room"):
            submissions.receive(submission, arrived, io.BytesIO(whole[arrived:]), len(whole) - arrived)
        submission.refresh_from_db()
        assert (submission.state, uploads.offset(submission)) == (State.UPLOADING, len(whole))
        kept.clear()
        submissions.receive(submission, len(whole), io.BytesIO(), 0)
        world.start()
        world.settle(submission, faults=0)
        assert list(incoming.iterdir()) == [], "nothing is left where it arrived"
        kept_uploads = [path for path in (world.folder / "media" / "submissions").rglob("*") if path.is_file()]
        assert [path.stat().st_size for path in kept_uploads] == [len(whole)], "it is kept once, and whole"


def _large_zip() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("predict.py", PREDICT.format(seconds=0))
        archive.writestr("weights", secrets.token_bytes(4 * MIB))
    return packed.getvalue()


def _begun(world: World, size: int) -> Submission:
    team = world.team()
    user = team.memberships.get().user
    return submissions.begin(phase=world.phase, team=team, user=user, kind="code", size=size, file_name="large.zip")


def full_for_runs(world: World) -> None:
    """Where a run is packed: tried again once there is room."""
    with small_disk(world.temporary, 8) as disk:
        _start(world)
        time.sleep(2)  # Its pool makes a file of its own at first.
        disk.fill()
        submission = world.submit()
        until(
            lambda: submission.attempts.filter(verdict="DISK_FAULT").exists(),
            PATIENCE_SECONDS,
            "it failed by our fault",
        )
        disk.clear()
        world.settle(submission, faults=1)


def full_for_images(world: World) -> None:
    """The engine's: an image that can't be loaded for want of room is not the team's fault."""
    world.engine.disk.fill(leave=4 * MIB)
    submission = world.submit(image="large")
    _start(world)
    try:
        until(lambda: submission.attempts.filter(state="done").exists(), PATIENCE_SECONDS, "the attempt has ended")
    finally:
        world.engine.disk.clear()
    world.settle(submission, faults=1)
    assert submission.attempts.first().verdict in ("ENGINE_FAULT", "DISK_FAULT")


def full_for_logs(world: World) -> None:
    """A worker that can't write its log goes on without."""
    with small_disk(world.folder / "log", 8) as disk:
        world.workers.log = disk.place / "worker.log"
        _start(world)
        disk.fill()
        size = world.workers.log.stat().st_size
        submission = world.submit()
        world.settle(submission, faults=0)
        assert world.workers.log.stat().st_size - size < 4096, "the disk was really full"


def full_for_the_database(world: World) -> None:
    """A result waits for a database that has no room to take it."""
    disk = Disk(Path(os.environ[DATABASE_DISK]))
    submission = world.submit()
    world.start(stop_at="score")
    process = world.until_stopped()
    restart = _fill_the_database(disk)
    try:
        resume(process)
        until(
            lambda: "the database did not take the result" in world.workers.log.read_text(),
            PATIENCE_SECONDS,
            "the result waits",
        )
        time.sleep(LEASE_SECONDS)
    finally:
        disk.clear()
        restart()
    world.settle(submission)


def _fill_the_database(disk: Disk) -> servers.Restart:
    """Until not one more write is taken. What it returns starts a server again that has died of it."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        disk.fill()
        connection.close()
        return lambda: None
    server = servers.database_process()
    restart = servers.again(server)
    disk.fill()
    for _ in range(200):  # It has room in hand, in files that it made beforehand.
        try:
            with connection.cursor() as cursor:
                cursor.execute("CREATE TABLE full_disk AS SELECT repeat('x', 1000) FROM generate_series(1, 1000)")
                cursor.execute("DROP TABLE full_disk")
                cursor.execute("SELECT pg_switch_wal()")
        except OperationalError:
            break
    connection.close()
    return lambda: None if servers.is_alive(server) else restart()


def _start(world: World) -> None:
    world.start()
    until(lambda: Host.objects.filter(pk__in=hosts.live()).exists(), PATIENCE_SECONDS, "the worker is there")
