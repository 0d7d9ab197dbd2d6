"""Bells over files: whole, in order, and safe with several processes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from kombu import Connection

from challenge import celery
from challenge.broker import Channel, Transport
from challenge.celery import broker_options


@pytest.fixture
def bell(tmp_path: Path, settings) -> Connection:
    settings.BROKER_DIR = tmp_path
    Transport.global_state.clear()  # What this process has declared in another test's folder.
    return Connection("filesystem://localhost", transport_options=broker_options("filesystem://localhost"))


def test_messages_come_out_in_the_order_they_went_in(bell: Connection) -> None:
    with bell, bell.SimpleQueue("parakh") as queue:
        for number in range(5):
            queue.put({"number": number})
        assert [queue.get(timeout=5).payload["number"] for _ in range(5)] == list(range(5))


def test_a_message_appears_whole_or_not_at_all(bell: Connection, tmp_path: Path, monkeypatch) -> None:
    def power_cut(*given: object) -> None:
        raise OSError("power cut")

    with bell:
        channel = bell.default_channel
        assert isinstance(channel, Channel)
        monkeypatch.setattr("os.replace", power_cut)
        with pytest.raises(OSError, match="power cut"):
            channel._put("parakh", {"a": 1})
        assert channel._size("parakh") == 0
        monkeypatch.undo()
        channel._put("parakh", {"a": 1})
        (message,) = (tmp_path / "messages").glob("*.parakh.msg")
        assert json.loads(message.read_text()) == {"a": 1}


def test_a_broker_that_fails_does_not_fail_the_request(monkeypatch) -> None:

    def unreachable(*given: object, **more: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(celery.app, "send_task", unreachable)
    celery.ring_bell()
