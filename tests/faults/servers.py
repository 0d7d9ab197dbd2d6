"""Kills servers of the test, and starts them again just as they were."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import redis as redis_client
from django.db import connection

from tests.services import until

Restart = Callable[[], None]

_started: list[subprocess.Popen[bytes]] = []


def kill(process: int) -> Restart:
    """kill -9; what it returns starts the same program again."""
    place, restart = Path(f"/proc/{process}"), again(process)
    program, folder = _program(process), os.readlink(place / "cwd")
    os.kill(process, signal.SIGKILL)
    until(lambda: not is_alive(process), 20, "the server is dead")
    if program == "postgres":
        until(lambda: not _works_in(folder), 20, "its processes have noticed")
    return restart


def again(process: int) -> Restart:
    """Starts what this process is once more, when it has died: same words, environment, user and folder."""
    place = Path(f"/proc/{process}")
    words = [word.decode() for word in (place / "cmdline").read_bytes().split(b"\0") if word]
    environment = dict(
        line.decode().split("=", 1) for line in (place / "environ").read_bytes().split(b"\0") if b"=" in line
    )
    program, folder, user = os.readlink(place / "exe"), os.readlink(place / "cwd"), place.stat().st_uid
    if len(words) == 1 or ":" in words[0]:  # A process that has written its state over its own words.
        words = _words[process]

    def start() -> None:
        # Until its parent looks at it, the dead server is a zombie, which PostgreSQL takes for one that runs.
        for lock in (Path(folder) / "postmaster.pid", *Path(folder).parent.glob(".s.PGSQL.*.lock")):
            lock.unlink(missing_ok=True)
        _started.append(
            subprocess.Popen(
                words,  # Debian's redis-server is a link to another program, which goes by its own name.
                executable=program,
                cwd=folder,
                user=user,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )

    return start


def is_alive(process: int) -> bool:
    """False if it is gone, or a zombie that its parent has not looked at yet."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _program(process: int) -> str:
    return Path(os.readlink(f"/proc/{process}/exe")).name


def _works_in(folder: str) -> list[Path]:
    """Processes that have this working directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.readlink(process / "cwd") == folder:
                found.append(process)
    return found


_words: dict[int, list[str]] = {}


def database_process() -> int:
    """Of the PostgreSQL server this site is on."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW data_directory")
        folder = Path(cursor.fetchone()[0])
    connection.close()
    return int((folder / "postmaster.pid").read_text().split()[0])


def kill_broker(url: str) -> Restart:
    """kill -9 for the Redis or RabbitMQ at this address. What it returns starts it again, with nothing in it."""
    if urlsplit(url).scheme == "redis":
        return kill(_redis_process(url))
    server, folder = _rabbitmq(url)
    restart = kill(server)

    def start_empty() -> None:
        for kept in folder.glob("parakh*@localhost*"):  # Its queues, its users, its table of who gets what.
            shutil.rmtree(kept) if kept.is_dir() else kept.unlink()
        restart()

    return start_empty


def _redis_process(url: str) -> int:
    client = redis_client.Redis.from_url(url)
    found = client.info("server")
    _words[found["process_id"]] = ["redis-server", "--port", str(found["tcp_port"]), "--bind", "127.0.0.1"]
    _words[found["process_id"]] += ["--save", "", "--appendonly", "no"]
    return int(found["process_id"])


def _rabbitmq(url: str) -> tuple[int, Path]:
    """Process and folder of the RabbitMQ that tests/services.py has started at this address."""
    name = f"parakh{urlsplit(url).port}@localhost"
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "exe").readlink().name == "beam.smp":
                variables = (process / "environ").read_bytes().decode().split("\0")
                found = dict(line.split("=", 1) for line in variables if "=" in line)
                if found.get("RABBITMQ_NODENAME") == name:
                    return int(process.name), Path(found["RABBITMQ_MNESIA_BASE"])
    raise AssertionError(f"no process of RabbitMQ at {url}")


def stop_all() -> None:
    """Ends the servers that were started again."""
    for server in _started:
        is_postgresql = server.poll() is None and _program(server.pid) == "postgres"
        server.send_signal(signal.SIGINT if is_postgresql else signal.SIGKILL)
        server.wait(30)
    _started.clear()
