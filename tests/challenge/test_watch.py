"""What operators are told of before anything fails; read as one who has never seen Parakh."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core import mail
from django.utils import timezone

from challenge.models import Host, Submission
from challenge.worker import watch
from tests import factories
from tests.conftest import Site

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def operators(settings) -> None:
    settings.PARAKH_OPERATORS = ["ops@example.org"]


def minutes_ago(minutes: float) -> dt.datetime:
    return timezone.now() - dt.timedelta(minutes=minutes)


def host(name: str = "host-1", seen: float = 0, **given: object) -> Host:
    return Host.objects.create(
        **{"name": name, "cores": 8, "memory_bytes": 2**34, "queues": ["default"], "runtimes": ["runc"]} | given,
        last_seen=minutes_ago(seen),
    )


def waits(site: Site, minutes: float) -> None:
    Host.objects.filter(name="test-host").delete()  # The one that every test's site has.
    made = factories.submission(site.phase, site.team)
    Submission.objects.filter(pk=made.pk).update(queued_at=minutes_ago(minutes))


@pytest.mark.parametrize(
    ("waited", "seen", "mails"),
    [
        (6, None, 1),  # No host was ever seen.
        (6, 10, 1),
        (6, 2, 0),  # A worker that is being restarted.
        (6, 0, 0),
        (1, None, 0),
    ],
)
def test_nobody_evaluates(site: Site, waited: float, seen: float | None, mails: int) -> None:
    if seen is not None:
        host(seen=seen)
    waits(site, waited)
    watch.stuck()
    watch.stuck()
    assert len(mail.outbox) == mails


def test_hosts_that_lack_what_a_phase_needs(site: Site) -> None:
    host(queues=["gpu"])
    waits(site, 6)
    watch.stuck()
    print(mail.outbox[0].subject, mail.outbox[0].body, sep="\n")
    assert "1 submission waits and no host evaluates: IDD-lite" in mail.outbox[0].subject
    assert "'default'" in mail.outbox[0].body
    assert "host-1: last seen" in mail.outbox[0].body


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a disk")
    tmp_path.joinpath("disk").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(tmp_path / "disk")], check=True)
    yield tmp_path / "disk"
    subprocess.run(["umount", str(tmp_path / "disk")], check=True)


def test_a_disk_that_is_nearly_full(small_disk: Path) -> None:
    watch.full_disks([small_disk])
    assert mail.outbox == []
    (small_disk / "large").write_bytes(bytes(3_900_000))
    (small_disk / "folder").mkdir()
    watch.full_disks([small_disk, small_disk / "folder"])  # One disk, one mail.
    assert len(mail.outbox) == 1
    assert "nearly full" in mail.outbox[0].subject


def test_a_round_leaves_a_sign_of_life(settings, tmp_path: Path) -> None:
    settings.ALIVE_DIR = tmp_path
    (tmp_path / "worker-of-long-ago").touch()
    os.utime(tmp_path / "worker-of-long-ago", (0, 0))
    watch.look("beat")
    assert [path.name.split("-")[0] for path in tmp_path.iterdir()] == ["beat"]
