"""Another Docker Engine beside the machine's own: reached over TCP, as one on another host would be."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import docker
from docker.errors import DockerException

from sandbox.bases import ROOT_IMAGE
from tests.relay import engine_without_tls


@contextlib.contextmanager
def second_engine(first: docker.DockerClient) -> Iterator[str]:
    """Starts a daemon with a place of its own, gives it the root image, and yields its address."""
    place = Path(tempfile.mkdtemp(prefix="second-engine-"))
    listens = place / "docker.sock"
    # In a network of its own: two daemons in one take each other's bridge away.
    command = [
        "unshare", "--net", "dockerd", f"--host=unix://{listens}", f"--data-root={place / 'data'}",
        f"--exec-root={place / 'exec'}", f"--pidfile={place / 'pid'}", f"--config-file={place / 'daemon.json'}",
        "--bridge=none", "--iptables=false",
    ]  # fmt: skip
    (place / "daemon.json").write_text("{}")
    with (place / "log").open("wb") as log:
        daemon = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        client = _when_ready(f"unix://{listens}", daemon, place / "log")
        with contextlib.closing(client):
            client.images.load(first.images.get(ROOT_IMAGE).save(named=True))
        with engine_without_tls(str(listens)) as address:
            yield address
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(60)
        for mount in reversed(Path("/proc/self/mounts").read_text().splitlines()):
            if mount.split()[1].startswith(f"{place}/"):
                subprocess.run(["umount", "--lazy", mount.split()[1]], check=False)
        shutil.rmtree(place, ignore_errors=True)


def _when_ready(address: str, daemon: subprocess.Popen[bytes], log: Path) -> docker.DockerClient:
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up and daemon.poll() is None:
        with contextlib.suppress(DockerException, OSError):
            client = docker.DockerClient(base_url=address, timeout=60)
            client.ping()
            return client
        time.sleep(0.2)
    os.killpg(daemon.pid, signal.SIGKILL) if daemon.poll() is None else None
    raise AssertionError(f"the second engine did not start:\n{log.read_text()[-2000:]}")
