"""Kills servers of the test, and starts them again just as they were."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import redis as redis_client
from django.db import connection

from tests.services import until

_started: list[subprocess.Popen[bytes]] = []


def kill(process: int) -> Callable[[], None]:
    """kill -9; what it returns starts the same program again: same words, user and folder."""
    place = Path(f"/proc/{process}")
    words = [word.decode() for word in (place / "cmdline").read_bytes().split(b"\0") if word]
    program, folder, user = os.readlink(place / "exe"), os.readlink(place / "cwd"), place.stat().st_uid
    if len(words) == 1 or ":" in words[0]:  # A process that has written its state over its own words.
        words = _words[process]
    os.kill(process, signal.SIGKILL)
    until(lambda: _is_over(place), 20, "the server is dead")
    if Path(program).name == "postgres":
        until(lambda: not _works_in(folder), 20, "its processes have noticed")

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
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )

    return start


def _works_in(folder: str) -> list[Path]:
    """Processes that have this working directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.readlink(process / "cwd") == folder:
                found.append(process)
    return found


_words: dict[int, list[str]] = {}


def _is_over(place: Path) -> bool:
    """Gone, or a zombie that its parent has not looked at yet."""
    try:
        return place.joinpath("stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def database_process() -> int:
    """Of the PostgreSQL server this site is on."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW data_directory")
        folder = Path(cursor.fetchone()[0])
    connection.close()
    return int((folder / "postmaster.pid").read_text().split()[0])


def broker_process(url: str) -> int:
    """Of the Redis server at this address."""
    client = redis_client.Redis.from_url(url)
    found = client.info("server")
    _words[found["process_id"]] = ["redis-server", "--port", str(found["tcp_port"]), "--bind", "127.0.0.1"]
    _words[found["process_id"]] += ["--save", "", "--appendonly", "no"]
    return int(found["process_id"])


def stop_all() -> None:
    """Ends the servers that were started again."""
    for server in _started:
        server.send_signal(signal.SIGINT)
        server.wait(30)
    _started.clear()
