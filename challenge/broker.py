"""kombu's file-system transport, made safe for several processes at once.

kombu 5.7 opens a message under its final name and then writes it, and makes the exchange's table the same way. Whoever
looks in between reads an empty file, and the error ends a worker's consumer or a visitor's request. It moves a message
to the folder for temporary files before it reads it, which leaves files there when a worker is killed or that disk is
full; and it fails for good when its own folders are lost, though no message in them is worth anything.
"""

from __future__ import annotations

import fcntl
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import filesystem
from kombu.utils.json import dumps, loads


class Channel(filesystem.Channel):
    """The same channel: messages appear whole or not at all, and the exchange's table is read and written in turn."""

    def _put(self, queue: str, message: Any, **kwargs: Any) -> None:  # type: ignore[override]
        folder = self._folder()
        draft = folder / f"{uuid.uuid4()}.draft"  # Readers only take names that end with QUEUE.msg.
        draft.write_text(dumps(message), encoding="utf-8")
        os.replace(draft, folder / f"{time.time_ns()}_{uuid.uuid4()}.{queue}.msg")

    def _get(self, queue: str) -> Any:  # type: ignore[override]
        for waiting in self._waiting(queue):
            mine = waiting.with_suffix(".taken")
            with suppress(FileNotFoundError):  # Another worker was faster.
                waiting.rename(mine)
                message = loads(mine.read_bytes().decode("utf-8"))
                mine.unlink()
                return message
        raise Empty

    def _size(self, queue: str) -> int:
        return len(self._waiting(queue))

    def _waiting(self, queue: str) -> list[Path]:
        """Files of the queue's messages, the oldest first."""
        return sorted(path for path in self._folder().iterdir() if path.name.partition(".")[2] == f"{queue}.msg")

    def _folder(self) -> Path:
        """Of the messages; made again if it was lost."""
        folder = Path(self.data_folder_out)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:  # type: ignore[override]
        with self._in_turn():
            super()._queue_bind(exchange, routing_key, pattern, queue)

    def get_table(self, exchange: str) -> Any:
        """Rows of the exchange's table: which queues it feeds."""
        with self._in_turn():
            return super().get_table(exchange)

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        self.control_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(self.control_folder / "lock", "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


class Transport(filesystem.Transport):
    """`filesystem://` in BROKER_URL."""

    Channel = Channel
