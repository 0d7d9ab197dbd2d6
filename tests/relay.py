"""An engine behind a port without TLS, as nobody should have it: a real unsafe host, on the loopback only."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator

SOCKET = "/var/run/docker.sock"


@contextlib.contextmanager
def engine_without_tls(path: str = SOCKET) -> Iterator[str]:
    """The address, for DOCKER_HOST, of the engine that listens at `path`."""
    with _Relay(("127.0.0.1", 0), _Handler) as relay:
        relay.path = path
        threading.Thread(target=relay.serve_forever, daemon=True).start()
        yield f"tcp://127.0.0.1:{relay.server_address[1]}"
        relay.shutdown()


class _Relay(socketserver.ThreadingTCPServer):
    daemon_threads = True
    path: str


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        with socket.socket(socket.AF_UNIX) as engine:
            assert isinstance(self.server, _Relay)
            engine.connect(self.server.path)
            answers = threading.Thread(target=_copy, args=(engine, self.request), daemon=True)
            answers.start()
            _copy(self.request, engine)
            answers.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
