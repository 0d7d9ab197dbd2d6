"""Real services for tests, each started on a free port of loopback and stopped at the end."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path


def until(holds: Callable[[], object], seconds: float, what: str) -> None:
    """Waits until something holds. AssertionError, naming it, if it does not within that time."""
    give_up = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < give_up, f"{what}: not within {seconds:g} s"
        time.sleep(0.1)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def postgresql_program(name: str) -> str:
    """Path of one of PostgreSQL's programs; Debian keeps them off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    program = str(found[-1]) if found else shutil.which(name)
    assert program, f"{name} is missing; `make test` installs postgresql"
    return program


@contextlib.contextmanager
def postgresql(place: Path | None = None) -> Iterator[str]:
    """A fresh PostgreSQL cluster, in a folder of its own or within `place`. Yields the URL of its database.

    The server refuses to run as root: root runs it as the user `postgres`, which Debian's package makes. Its folder is
    not among pytest's, which every new run of pytest closes to other users.
    """
    as_user: list[str] = []
    with tempfile.TemporaryDirectory(prefix="parakh-postgresql-", dir=place, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            as_user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
            os.chown(folder, user.pw_uid, user.pw_gid)
        data, port = folder / "data", free_port()
        make = [*as_user, postgresql_program("initdb"), "-D", str(data), "-U", "parakh", "-A", "trust", "-E", "UTF8"]
        subprocess.run(make, check=True, capture_output=True, cwd="/")
        serve = [*as_user, postgresql_program("postgres"), "-D", str(data), f"-p{port}", f"-k{folder}", "-hlocalhost"]
        with open(folder / "server.log", "wb") as log:
            server = subprocess.Popen([*serve, "-cfsync=off", "-cmax_wal_size=64MB"], stdout=log, stderr=log, cwd="/")
        ready = [postgresql_program("pg_isready"), "-h", "localhost", "-p", str(port), "-U", "parakh", "-q"]
        try:
            until(lambda: subprocess.run(ready, check=False).returncode == 0, 30, "PostgreSQL is ready")
            yield f"postgres://parakh@localhost:{port}/postgres"
        finally:
            server.send_signal(signal.SIGINT)  # Its fast shutdown: does not wait for clients.
            server.wait(30)


@contextlib.contextmanager
def redis(folder: Path) -> Iterator[str]:
    """A Redis server that keeps nothing on disk. Yields its URL."""
    program = shutil.which("redis-server")
    assert program, "redis-server is missing; `make test` installs it"
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    server = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )
    try:
        until(lambda: answers(port), 20, "Redis is ready")
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(20)


def answers(port: int) -> bool:
    """True if somebody listens on this port of loopback."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@contextlib.contextmanager
def rabbitmq(folder: Path) -> Iterator[str]:
    """A RabbitMQ server with a name server of its own, both on loopback. Yields its URL."""
    found = sorted(Path("/usr/lib/rabbitmq").glob("lib/*/sbin/rabbitmq-server"))
    name_server = shutil.which("epmd")
    assert found, "rabbitmq-server is missing; `make test` installs it"
    assert name_server, "epmd is missing; it comes with rabbitmq-server"
    folder.mkdir(parents=True, exist_ok=True)
    port, distribution, names = free_port(), free_port(), free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),  # Its cookie lies there.
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(names),
        "RABBITMQ_NODENAME": f"parakh{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(distribution),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        "RABBITMQ_MNESIA_BASE": str(folder),
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_CONFIG_FILE": str(folder / "none"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_LOGS": str(folder / "rabbitmq.log"),
    }
    with contextlib.ExitStack() as stack:
        with open(folder / "output", "wb") as log:
            for command in ([name_server], [str(found[-1])]):
                # In a group of its own: the server is a script that has started Erlang.
                process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
                stack.callback(_end_group, process)
        until(lambda: answers(port), 60, "RabbitMQ is ready")
        yield f"amqp://guest:guest@127.0.0.1:{port}//"


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Ends a program with all that it has started; nothing of these tests is worth a slow goodbye."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(20)
