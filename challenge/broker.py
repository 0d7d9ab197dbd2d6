"""kombu's file-system transport, made safe for several processes at once.

kombu 5.7 opens a message under its final name and then writes it, and makes the exchange's table the same way. Whoever
looks in between reads an empty file, and the error ends a worker's consumer or a visitor's request.
"""

from __future__ import annotations

import fcntl
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kombu.transport import filesystem
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
    """The same channel: messages appear whole or not at all, and the exchange's table is read and written in turn."""

    def _put(self, queue: str, message: Any, **kwargs: Any) -> None:  # type: ignore[override]
        folder = Path(self.data_folder_out)
        draft = folder / f"{uuid.uuid4()}.draft"  # Readers only take names that end with QUEUE.msg.
        draft.write_text(dumps(message), encoding="utf-8")
        os.replace(draft, folder / f"{time.time_ns()}_{uuid.uuid4()}.{queue}.msg")

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:  # type: ignore[override]
        with self._in_turn():
            super()._queue_bind(exchange, routing_key, pattern, queue)

    def get_table(self, exchange: str) -> Any:
        """Rows of the exchange's table: which queues it feeds."""
        with self._in_turn():
            return super().get_table(exchange)

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        with open(self.control_folder / "lock", "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


class Transport(filesystem.Transport):
    """`filesystem://` in BROKER_URL."""

    Channel = Channel
