"""Contract v1 `stream`, our side: length-prefixed messages, read with a ceiling. Pure: no sockets here."""

from __future__ import annotations

import json
import struct

MAX_RESPONSE_BYTES = 1024 * 1024
"""A label map of 320 x 227 is at most some 73 kB; nothing honest comes near this."""

_HEADER = struct.Struct(">I")


class ProtocolError(Exception):
    """What the container wrote to stdout is not the protocol."""


def frame(body: bytes) -> bytes:
    """The message as it goes over the wire: 4-byte big-endian length, then the body."""
    return _HEADER.pack(len(body)) + body


class MessageReader:
    """Takes bytes as they come and gives whole messages; holds at most one message and what came with it."""

    def __init__(self, max_bytes: int = MAX_RESPONSE_BYTES) -> None:
        self._max_bytes = max_bytes
        self._buffer = bytearray()

    def feed(self, received: bytes) -> list[bytes]:
        """The messages completed by `received`, oldest first.

        Raises:
            ProtocolError: a message announces more than the ceiling; raised before its body is kept.
        """
        self._buffer += received
        messages = []
        while len(self._buffer) >= _HEADER.size:
            (length,) = _HEADER.unpack_from(self._buffer)
            if length > self._max_bytes:
                raise ProtocolError(_too_long(length, self._max_bytes, bytes(self._buffer[:16])))
            end = _HEADER.size + length
            if len(self._buffer) < end:
                break
            messages.append(bytes(self._buffer[_HEADER.size : end]))
            del self._buffer[:end]
        return messages

    @property
    def pending(self) -> int:
        """Bytes of a message that is not complete."""
        return len(self._buffer)


def check_ready(message: bytes) -> None:
    """Checks the first message.

    Raises:
        ProtocolError: it is not `{"parakh": 1, "ready": true}`.
    """
    wanted = '{"parakh": 1, "ready": true}'
    try:
        said = json.loads(message.decode("utf-8"))
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict) or said.get("parakh") != 1 or said.get("ready") is not True:
        raise ProtocolError(f"its first message must be {wanted}, not {_excerpt(message)}")


def _too_long(length: int, ceiling: int, start: bytes) -> str:
    if all(32 <= byte < 127 or byte in b"\r\n\t" for byte in start):
        return f"stdout carries text ({_excerpt(start)}) instead of messages; print to stderr"
    return f"a message announces {length} bytes; the ceiling is {ceiling}"


def _excerpt(message: bytes) -> str:
    return ascii(message[:40].decode("utf-8", "replace")) + ("…" if len(message) > 40 else "")
