"""The attached stream of one container: what we write goes to its stdin, what it prints comes back in frames.

The engine multiplexes stdout and stderr into frames of an 8-byte header (stream number, 3 zero bytes, big-endian
length) and that many bytes. Everything here is non-blocking: the runner owns the clock.
"""

from __future__ import annotations

import contextlib
import enum
import selectors
import socket
import struct
from typing import Any

import docker

from sandbox.engine import engine_errors
from sandbox.errors import SandboxUnavailable

_HEADER = struct.Struct(">BxxxL")
_CHUNK = 256 * 1024


class Stream(enum.IntEnum):
    """The engine's numbers of the streams."""

    STDOUT = 1
    STDERR = 2


class Channel:
    """A two-way, non-blocking connection to a container that has not been started yet."""

    def __init__(self, client: docker.DockerClient, container_id: str) -> None:
        with engine_errors("attaching to the container"):
            # Kept alive on purpose: the response owns the socket.
            self._response: Any = client.api.attach_socket(
                container_id, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
            )
        self._socket: socket.socket = getattr(self._response, "_sock", self._response)
        self._socket.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._socket, selectors.EVENT_READ)
        self._incoming = bytearray()
        self._outgoing = memoryview(b"")
        self._half_close = False
        self.closed = False
        """True once the engine has ended the stream: the container exited or closed stdout and stderr."""

    @property
    def writing(self) -> bool:
        """True while bytes wait to be taken by the container."""
        return len(self._outgoing) > 0

    def send(self, message: bytes) -> None:
        """Queues a message; `wait` writes it. Only one at a time: the protocol asks one image after the other."""
        assert not self.writing
        self._outgoing = memoryview(message)
        self._flush()

    def end_input(self) -> None:
        """End of input for the container, once everything queued is written."""
        self._half_close = True
        self._flush()

    def wait(self, seconds: float) -> list[tuple[Stream, bytes]]:
        """Waits at most `seconds` for something to happen and returns what the container wrote, in order.

        Raises:
            SandboxUnavailable: the connection to the engine broke.
        """
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self.writing else 0)
        self._selector.modify(self._socket, events)
        ready = 0
        for _, mask in self._selector.select(max(0.0, seconds)):
            ready |= mask
        if ready & selectors.EVENT_WRITE:
            self._flush()
        if ready & selectors.EVENT_READ:
            self._receive()
        return self._frames()

    def close(self) -> None:
        """Closes the connection; safe to call twice."""
        self._selector.close()
        with contextlib.suppress(OSError):
            self._socket.close()
            self._response.close()

    def _flush(self) -> None:
        try:
            while self.writing:
                self._outgoing = self._outgoing[self._socket.send(self._outgoing) :]
            if self._half_close:
                self._half_close = False
                self._socket.shutdown(socket.SHUT_WR)
        except BlockingIOError:
            return
        except (BrokenPipeError, ConnectionResetError):
            # The container has gone; the reading side will say so.
            self._outgoing = memoryview(b"")
        except OSError as error:
            if not self.closed:
                raise SandboxUnavailable(f"the connection to the container broke: {error}") from error

    def _receive(self) -> None:
        try:
            received = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return
        except ConnectionResetError:
            received = b""
        if received:
            self._incoming += received
        else:
            self.closed = True
            self._outgoing = memoryview(b"")

    def _frames(self) -> list[tuple[Stream, bytes]]:
        frames: list[tuple[Stream, bytes]] = []
        while len(self._incoming) >= _HEADER.size:
            number, length = _HEADER.unpack_from(self._incoming)
            if number not in (Stream.STDOUT, Stream.STDERR):
                raise SandboxUnavailable(f"the engine's stream is out of step (frame of stream {number})")
            # Frames may be long: hand on what is there and shrink the header's promise.
            body = bytes(self._incoming[_HEADER.size : _HEADER.size + length])
            if len(body) < length:
                if body:
                    frames.append((Stream(number), body))
                    self._incoming[:] = _HEADER.pack(number, length - len(body))
                break
            del self._incoming[: _HEADER.size + length]
            frames.append((Stream(number), body))
        return frames
