"""Alive, ready, measured: what programs of operators ask, and what strangers get to see of it."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone

from challenge import checks, health
from challenge.models import Host
from tests import factories, services
from tests.conftest import Site

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "FRESH_SECONDS", 0.0)


@pytest.fixture
def host() -> Host:
    return Host.objects.create(name="host-1", cores=2, memory_bytes=2**33, last_seen=timezone.now())


def parts(client: Client, query: str = "") -> tuple[int, dict[str, bool]]:
    answer = client.get(f"/readyz{query}")
    return answer.status_code, {name: part["ok"] for name, part in answer.json()["parts"].items()}


def test_alive_asks_nobody(client: Client, django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "no-store" in answer["Cache-Control"]


def test_ready_with_everything_there(client: Client, host: Host) -> None:
    assert parts(client) == (200, {"database": True, "broker": True, "storage": True, "engine": True})


def test_no_engine_is_said_and_may_be_left_out(client: Client) -> None:
    assert parts(client) == (503, {"database": True, "broker": True, "storage": True, "engine": False})
    assert parts(client, "?exclude=engine") == (200, {"database": True, "broker": True, "storage": True})


def test_a_quarantined_host_does_not_count(client: Client, host: Host) -> None:
    Host.objects.update(quarantined_at=timezone.now())
    assert parts(client)[1]["engine"] is False


def test_a_database_that_lacks_migrations_is_not_ready(client: Client, host: Host) -> None:
    recorder = MigrationRecorder(connection)
    newest = max(name for app, name in recorder.applied_migrations() if app == "challenge")
    recorder.record_unapplied("challenge", newest)
    try:
        assert parts(client)[1]["database"] is False
        assert any(f"challenge.{newest}" in reason for reason in checks.reasons_not_to_start())
    finally:
        recorder.record_applied("challenge", newest)
    assert checks.reasons_not_to_start() == []


def test_storage_that_cannot_be_written_is_not_ready(client: Client, host: Host, settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings.MEDIA_ROOT = tmp_path / "file"  # No folder can be made in a file, whoever one is.
    status, found = parts(client)
    assert (status, found["storage"], found["database"]) == (503, False, True)


def test_storage_checks_leave_nothing(client: Client, host: Host, settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
    assert parts(client)[0] == 200
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_strangers_learn_nothing_of_the_inside(client: Client, settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings.MEDIA_ROOT = tmp_path / "file"
    text = client.get("/readyz").content.decode()
    assert str(tmp_path) not in text
    assert all(set(part) == {"ok", "seconds"} for part in json.loads(text)["parts"].values())


def test_a_part_that_hangs_costs_one_thread_and_its_limit() -> None:
    release = threading.Event()
    part = health.Part(lambda: release.wait(30) and None, 0.2)
    before = threading.active_count()
    started = time.monotonic()
    answers = [part.health() for _ in range(50)]
    assert not any(answer.ok for answer in answers)
    assert threading.active_count() == before + 1
    assert time.monotonic() - started < 5  # All but the first find its time used up.
    release.set()
    services.until(lambda: part.health().ok, 10, "it is well again")


def test_metrics_count_what_is_in_the_database(client: Client, site: Site, host: Host) -> None:
    factories.finished(site.phase, site.team)
    factories.submission(site.phase, site.strangers)
    lines = client.get("/metrics").content.decode().splitlines()
    assert 'parakh_queue_submissions{phase="idd-lite/val"} 1.0' in lines
    assert 'parakh_submissions{state="finished"} 1.0' in lines
    assert 'parakh_attempts_total{verdict="OK"} 1.0' in lines
    assert 'parakh_host_running{host="host-1"} 0.0' in lines
    assert any(line.startswith('parakh_stage_seconds{quantile="0.5",stage="waiting"}') for line in lines)
    assert any(line.startswith("parakh_storage_free_bytes") for line in lines)


@pytest.mark.parametrize(
    ("token", "sent", "expected"),
    [
        ("", {}, 200),  # A program on this machine.
        ("", {"REMOTE_ADDR": "203.0.113.7"}, 404),
        ("", {"HTTP_X_FORWARDED_FOR": "203.0.113.7"}, 404),  # Somebody behind a proxy on this machine.
        ("", {"HTTP_X_FORWARDED_FOR": "127.0.0.1"}, 404),
        ("secret", {}, 404),
        ("secret", {"HTTP_AUTHORIZATION": "Bearer wrong"}, 404),
        ("secret", {"HTTP_AUTHORIZATION": "Bearer sécret"}, 404),
        ("secret", {"HTTP_AUTHORIZATION": "Bearer secret", "REMOTE_ADDR": "203.0.113.7"}, 200),
    ],
)
def test_metrics_are_not_for_everybody(client: Client, settings, token: str, sent: dict, expected: int) -> None:
    settings.PARAKH_METRICS_TOKEN = token
    assert client.get("/metrics", **sent).status_code == expected


def test_a_request_is_known_by_one_id(client: Client) -> None:
    assert client.get("/healthz", HTTP_X_REQUEST_ID="abcdef0123456789")["X-Request-ID"] == "abcdef0123456789"
    forged = client.get("/healthz", HTTP_X_REQUEST_ID="x\n{'level': 'error'}")["X-Request-ID"]
    assert "level" not in forged
    assert len(forged) == 36
