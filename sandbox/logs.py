"""Keeps the beginning and the end of a log, and never more."""

from __future__ import annotations


class HeadAndTail:
    """At most `ceiling` bytes: the first half of them, and the newest half."""

    def __init__(self, ceiling: int) -> None:
        self._half = max(1, ceiling // 2)
        self._head = bytearray()
        self._tail = bytearray()
        self.total = 0
        """Bytes seen, kept or not."""

    def add(self, written: bytes) -> None:
        """Takes more of the log."""
        self.total += len(written)
        room = self._half - len(self._head)
        self._head += written[:room]
        self._tail += written[max(0, room) :]
        del self._tail[: max(0, len(self._tail) - self._half)]

    def value(self) -> bytes:
        """What was kept, with a line that says how much was left out."""
        left_out = self.total - len(self._head) - len(self._tail)
        gap = f"\n[… {left_out} bytes left out …]\n".encode() if left_out else b""
        return bytes(self._head) + gap + bytes(self._tail)
