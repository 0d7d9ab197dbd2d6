#!/usr/bin/env python3
"""Makes a machine ready, step by step: Docker Engine, programs, virtual environment, packages.

    python3 deploy/prepare.py            what the site needs      (make demo)
    python3 deploy/prepare.py --tests    what the tests need too  (make test)

Standard library only: it runs before anything is installed. Each step looks first, so a second run does nothing.
The engine comes first: without one, and without the means to install one, nothing is made at all.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
ENGINE_PATIENCE_SECONDS = 60

# Program (or a path it lies at) and the Debian package it comes in.
SITE_PROGRAMS = {"debootstrap": "debootstrap"}
TEST_PROGRAMS = {
    "chromium": "chromium",
    "redis-server": "redis-server",
    "rabbitmq-server": "rabbitmq-server",
    "/usr/sbin/nginx": "nginx-light",
    "docker-compose": "docker-compose",
    "openssl": "openssl",
    "/usr/lib/postgresql": "postgresql",
}

DAEMON_SETTINGS = Path("/etc/docker/daemon.json")
DAEMON_PID = Path("/var/run/docker.pid")
# gVisor makes no network of its own for a container that has none: without this its start fails. Nothing else here:
# with --ignore-cgroups no limit of memory, CPU or processes would hold.
RUNSC_ARGUMENTS = ["--network=none"]


class CannotGoOn(Exception):
    """Said to the user as it is; it ends with what to do."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--tests", action="store_true", help="also what the tests need")
    options = parser.parse_args()
    try:
        step("Python", check_python)
        step("Docker Engine", ensure_engine)
        step("Debian packages", lambda: ensure_programs(SITE_PROGRAMS | (TEST_PROGRAMS if options.tests else {})))
        if options.tests:
            step("gVisor", ensure_runsc)
        step("virtual environment", ensure_venv)
        lists = ["requirements.txt", "requirements-dev.txt"] if options.tests else ["requirements.txt"]
        step("Python packages", lambda: ensure_packages(lists))
    except CannotGoOn as reason:
        print(f"\n{reason}\n", file=sys.stderr)
        return 1
    return 0


def step(name: str, do: Callable[[], str]) -> None:
    """Says what is being done, does it, says what came of it and how long it took."""
    print(f"• {name} …", flush=True)
    started = time.monotonic()
    print(f"  {do()} ({time.monotonic() - started:.1f} s)", flush=True)


def check_python() -> str:
    # A comparison of tuples: newer than any 3.11 is fine.
    if sys.version_info < (3, 11):  # noqa: UP036  (started with whatever python3 there is)
        raise CannotGoOn(
            f"Parakh needs Python 3.11 or newer; this is {sys.version.split()[0]}. "
            "Install one and name it: make demo PYTHON=python3.12"
        )
    return sys.version.split()[0]


def ensure_engine() -> str:
    """Finds a Docker Engine; on Debian or Ubuntu as root installs and starts one."""
    answer = engine_version()
    if answer:
        return f"engine answers: {answer}"
    if os.environ.get("DOCKER_HOST"):
        raise CannotGoOn(f"DOCKER_HOST is {os.environ['DOCKER_HOST']}, and no Docker Engine answers there.")
    if not is_debian_root():
        raise CannotGoOn(
            "No Docker Engine answers on this machine. Install one (https://docs.docker.com/engine/install/), start "
            "it, and make sure that you may use it:\n    docker info\nThen run this again. On Debian or Ubuntu as root "
            "this step installs docker.io by itself. If the engine is elsewhere, set DOCKER_HOST."
        )
    if not shutil.which("dockerd"):
        apt_install(["docker.io"])
    start_daemon()
    deadline = time.monotonic() + ENGINE_PATIENCE_SECONDS
    while not (answer := engine_version()):
        if time.monotonic() > deadline:
            raise CannotGoOn(
                f"dockerd was started but does not answer after {ENGINE_PATIENCE_SECONDS} s. "
                f"Its log: {daemon_log()} (or `journalctl -u docker`)."
            )
        time.sleep(0.5)
    return f"engine answers: {answer}"


def engine_version() -> str | None:
    """What the engine says to a ping, or None if none answers."""
    if urlsplit(os.environ.get("DOCKER_HOST", "")).scheme == "ssh":
        docker = shutil.which("docker")
        done = subprocess.run([docker or "docker", "version"], capture_output=True, check=False) if docker else None
        return "over ssh" if done and done.returncode == 0 else None
    answer = ask_engine("/_ping")
    return f"API {answer[0].getheader('Api-Version', '?')}" if answer else None


def ask_engine(path: str) -> tuple[http.client.HTTPResponse, bytes] | None:
    """The engine's answer to a GET, if it is a good one."""
    address = urlsplit(os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock")
    try:
        connection = http.client.HTTPConnection(address.hostname or "localhost", address.port or 2375, timeout=5)
        if address.scheme == "unix":
            connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.sock.settimeout(5)
            connection.sock.connect(address.path)
        connection.request("GET", path)
        answer = connection.getresponse()
        return (answer, answer.read()) if answer.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None


def start_daemon() -> None:
    if Path("/run/systemd/system").is_dir():
        subprocess.run(["systemctl", "enable", "--now", "docker"], check=False, capture_output=True)
        if engine_version():
            return
    daemon_log().parent.mkdir(parents=True, exist_ok=True)
    with daemon_log().open("ab") as log:
        # A daemon of its own: it outlives this command, as an installed engine would.
        subprocess.Popen(["dockerd"], stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)


def daemon_log() -> Path:
    return ROOT / "var" / "dockerd.log"


def ensure_programs(wanted: dict[str, str]) -> str:
    missing = [package for program, package in wanted.items() if not (shutil.which(program) or Path(program).exists())]
    if not missing:
        return "nothing is missing"
    if not is_debian_root():
        # debootstrap can be done without where an image can be pulled; the rest only tests need.
        needed = [package for package in missing if package != "debootstrap"]
        if needed:
            raise CannotGoOn(f"The tests need {', '.join(needed)}. Install them and run this again.")
        return "debootstrap is not here: the base image will start from debian:bookworm-slim"
    apt_install(missing)
    return f"installed {', '.join(missing)}"


def ensure_runsc() -> str:
    """Registers gVisor with the engine of this machine. Nothing fails without it: tests on it are then skipped."""
    if has_runsc():
        return "the engine has the runtime runsc"
    skipped = "tests on gVisor will be skipped"
    if os.environ.get("DOCKER_HOST") or not is_debian_root():
        return f"the engine has no runtime runsc, see docs/operators.md; {skipped}"
    if not shutil.which("runsc"):
        try:
            apt_install(["runsc"])
        except CannotGoOn as reason:
            return f"the package runsc is not to be had ({str(reason).splitlines()[-1]}); {skipped}"
    problem = register_runsc(shutil.which("runsc") or "/usr/bin/runsc")
    return f"{problem}; {skipped}" if problem else f"registered runsc in {DAEMON_SETTINGS}"


def has_runsc() -> bool:
    answer = ask_engine("/info")
    return answer is not None and "runsc" in json.loads(answer[1]).get("Runtimes", {})


def register_runsc(program: str) -> str | None:
    """Adds runsc to the daemon's settings and has them read again, without a restart. Says what was in the way."""
    try:
        daemon = int(DAEMON_PID.read_text())
        if Path(f"/proc/{daemon}/comm").read_text().strip() != "dockerd":
            return f"{DAEMON_PID} names no dockerd"
        before = DAEMON_SETTINGS.read_text() if DAEMON_SETTINGS.exists() else None
        settings: dict[str, Any] = json.loads(before or "{}")
        settings.setdefault("runtimes", {})["runsc"] = {"path": program, "runtimeArgs": RUNSC_ARGUMENTS}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        return f"{DAEMON_SETTINGS} was left alone: {error}"
    write_settings(json.dumps(settings, indent=2) + "\n")
    os.kill(daemon, signal.SIGHUP)
    deadline = time.monotonic() + 10
    while not has_runsc():
        if time.monotonic() > deadline:
            # A daemon that will not take a setting now would not start with it either.
            write_settings(before)
            return f"dockerd did not take the runtime, and {DAEMON_SETTINGS} is as it was"
        time.sleep(0.2)
    return None


def write_settings(text: str | None) -> None:
    """All of it or nothing: a daemon that starts must not find half a file."""
    if text is None:
        DAEMON_SETTINGS.unlink()
        return
    DAEMON_SETTINGS.parent.mkdir(parents=True, exist_ok=True)
    draft = DAEMON_SETTINGS.with_suffix(".draft")
    draft.write_text(text)
    if DAEMON_SETTINGS.exists():
        shutil.copymode(DAEMON_SETTINGS, draft)
    draft.replace(DAEMON_SETTINGS)


def ensure_venv() -> str:
    if (VENV / "bin" / "python").exists():
        return f"{VENV.name} is there"
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        if not is_debian_root():
            raise CannotGoOn("This Python can't make virtual environments: install python3-venv.") from None
        apt_install(["python3-venv"])
    follow([sys.executable, "-m", "venv", str(VENV)], "The virtual environment could not be made.")
    return f"made {VENV.name}"


def ensure_packages(lists: list[str]) -> str:
    stamp = VENV / f"installed-{'-'.join(Path(name).stem for name in lists)}"
    wanted = hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in lists)).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return "up to date"
    command = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check"]
    for name in lists:
        command += ["-r", str(ROOT / name)]
    follow(command, "The packages could not be installed. Is PyPI reachable?")
    stamp.write_text(wanted)
    return f"installed {' and '.join(lists)}"


def is_debian_root() -> bool:
    return os.name == "posix" and os.geteuid() == 0 and shutil.which("apt-get") is not None


def apt_install(packages: list[str]) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    follow(["apt-get", "update", "-q"], "apt-get update failed. Is the package mirror reachable?", environment)
    follow(
        ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages],
        f"apt-get could not install {', '.join(packages)}.",
        environment,
    )


def follow(command: list[str], advice: str, environment: dict[str, str] | None = None) -> None:
    """Runs a program and shows its last line as it goes: rewritten on a terminal, every 10 s elsewhere."""
    last_shown = time.monotonic()
    lines: list[str] = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=environment
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines = [*lines[-40:], line.rstrip()]
            width = shutil.get_terminal_size().columns - 5
            if sys.stdout.isatty():
                print(f"\r\033[K    {line.strip()[:width]}", end="", flush=True)
            elif time.monotonic() - last_shown > 10:
                last_shown = time.monotonic()
                print(f"    {line.strip()[:100]}", flush=True)
    if sys.stdout.isatty():
        print("\r\033[K", end="", flush=True)
    if process.returncode != 0:
        raise CannotGoOn("\n".join([*lines[-15:], "", f"{advice} (exit status {process.returncode})"]))


if __name__ == "__main__":
    sys.exit(main())
