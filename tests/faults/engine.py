"""A Docker Engine of our own that may be killed, with a base image so small that a run costs little.

Reached over TCP, as one on another machine, and with a namespace of its own in containerd: of a local engine the
reaper thinks that every shim on this machine is that engine's, and kills what the engine does not know of. Workers of
other tests on the first engine did so with our containers, which then looked as if they had died by themselves.
"""

from __future__ import annotations

import contextlib
import io
import os
import secrets
import shutil
import signal
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import docker
from docker.errors import DockerException

from sandbox.bases import HERE, ROOT_IMAGE
from tests.faults.disks import MIB, Disk, small_disk
from tests.services import free_port, until

DISK_MEGABYTES = 2048

RUN_CODE = """
import os, sys
sys.path[:0] = ["/submission", "/opt/parakh"]
from parakh import serve
from predict import predict
serve(predict)
"""
"""As the real base's, without numpy: `predict` takes and gives bytes."""

PREDICT = """
import struct, time, zlib

def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

HEAD = chunk(b"IHDR", struct.pack(">IIBBBBB", 256, 128, 8, 0, 0, 0, 0))
LABELS = b"\\x89PNG\\r\\n\\x1a\\n" + HEAD + chunk(b"IDAT", zlib.compress(bytes(128 * 257))) + chunk(b"IEND", b"")

def predict(image):
    time.sleep({seconds})
    return LABELS
"""


def tar_of(files: dict[str, str]) -> bytes:
    """A tar of small text files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(text.encode()), 0o644
            tar.addfile(info, io.BytesIO(text.encode()))
    return packed.getvalue()


class Engine:
    """A second daemon on this machine, with a place of its own, and its images on a disk of its own."""

    def __init__(self, place: Path, disk: Disk) -> None:
        self.place = place
        self.disk = disk
        self.address = f"tcp://127.0.0.1:{free_port()}"
        self._daemon: subprocess.Popen[bytes] | None = None
        self._containerd: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts what is not running of the daemon and its containerd, and waits until it answers.

        containerd is a service of its own, as Debian has it: a daemon that had started it would, after a kill -9, wait
        for the one it left, now and then for ever.
        """
        if self._containerd is None or self._containerd.poll() is not None:
            self._start_containerd()
        command = [
            "dockerd", f"--host={self.address}", f"--data-root={self.disk.place}/data",
            f"--exec-root={self.place}/exec", f"--pidfile={self.place}/pid",
            f"--config-file={self.place}/daemon.json", "--bridge=none", "--iptables=false",
            f"--containerd={self.place}/containerd.sock", "--containerd-namespace=parakh-faults",
            "--containerd-plugins-namespace=parakh-faults-plugins",
        ]  # fmt: skip
        (self.place / "pid").unlink(missing_ok=True)
        (self.place / "daemon.json").write_text("{}")
        with (self.place / "log").open("ab") as log:
            self._daemon = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        until(self._answers, 60, f"the second engine answers (its log: {self.place}/log)")

    def _start_containerd(self) -> None:
        socket = self.place / "containerd.sock"
        socket.unlink(missing_ok=True)
        (self.place / "containerd.toml").write_text(
            f'version = 2\nroot = "{self.place}/containerd"\nstate = "{self.place}/containerd-state"\n'
            f'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "{socket}"\n'
        )
        with (self.place / "log").open("ab") as log:
            self._containerd = subprocess.Popen(
                ["containerd", f"--config={self.place}/containerd.toml"], stdout=log, stderr=log, start_new_session=True
            )
        until(socket.exists, 30, f"the second containerd listens (its log: {self.place}/log)")

    def _answers(self) -> bool:
        with contextlib.suppress(DockerException, OSError), contextlib.closing(self.client()) as client:
            return bool(client.ping())
        return False

    def client(self) -> docker.DockerClient:
        """Of this engine."""
        return docker.DockerClient(base_url=self.address, timeout=30)

    def kill(self) -> None:
        """kill -9 for the daemon, as a crash would."""
        assert self._daemon is not None
        self._daemon.kill()
        self._daemon.wait()

    def kill_containerd(self) -> None:
        """kill -9 for the daemon below the daemon."""
        assert self._containerd is not None
        self._containerd.kill()
        self._containerd.wait()

    def restart(self) -> None:
        """As a service manager does: SIGTERM, on which the daemon ends its containers, and a new one."""
        assert self._daemon is not None
        self._daemon.send_signal(signal.SIGTERM)
        self._daemon.wait(60)
        self.start()

    def revive(self) -> None:
        """After a case that failed half-way: the next one is to find it well."""
        self.disk.clear()
        if not self._answers():
            self.kill()
            self.start()

    def fill(self, root_image: Path) -> None:
        """Loads the root image, and makes the small base of it."""
        with contextlib.closing(self.client()) as client:
            with root_image.open("rb") as saved:
                client.images.load(saved)
            helper = (HERE / "guest" / "parakh.py").read_text()
            files = {"opt/parakh/parakh.py": helper, "opt/parakh/run_code.py": RUN_CODE}
            self._commit(client, ROOT_IMAGE, files, "parakh/base-pytorch")
            files = {"submission/predict.py": PREDICT.format(seconds=0)}
            start = 'ENTRYPOINT ["python3", "-B", "/opt/parakh/run_code.py"]'
            self._commit(client, "parakh/base-pytorch:latest", files, "parakh/whole", [start, "WORKDIR /submission"])
            self._save(client, "parakh/whole:latest")
            # Of this one the engine keeps nothing: to load it takes room.
            files["weights"] = secrets.token_hex(16 * MIB)
            self._commit(client, "parakh/base-pytorch:latest", files, "parakh/large", [start, "WORKDIR /submission"])
            self._save(client, "parakh/large:latest")
            client.images.remove("parakh/large:latest")

    def _save(self, client: docker.DockerClient, image: str) -> None:
        name = image.removeprefix("parakh/").removesuffix(":latest")
        (self.place / f"{name}.tar").write_bytes(b"".join(client.images.get(image).save(named=True)))

    def _kill_all(self) -> None:
        """kill -9 for what runs in this engine's place."""
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (process / "cmdline").read_bytes().split(b"\0")
                if any(str(self.place).encode() in word for word in words[1:]):
                    os.kill(int(process.name), signal.SIGKILL)

    @staticmethod
    def _commit(
        client: docker.DockerClient, image: str, files: dict[str, str], name: str, changes: list[str] | None = None
    ) -> None:
        made = client.containers.create(image, ["true"])
        made.put_archive("/", tar_of(files))
        made.commit(repository=name, tag="latest", changes=changes)
        made.remove()

    def stop(self) -> None:
        """Ends the daemon and all it started, and takes its mounts away."""
        if self._daemon is not None and self._daemon.poll() is None:
            self._daemon.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._daemon.wait(30)
        self._kill_all()
        for mount in reversed(Path("/proc/self/mounts").read_text().splitlines()):
            if mount.split()[1].startswith(f"{self.place}/"):
                subprocess.run(["umount", "--lazy", mount.split()[1]], check=False)


@contextlib.contextmanager
def own_engine() -> Iterator[Engine]:
    """An engine with the small base, gone at the end."""
    place = Path(tempfile.mkdtemp(prefix="parakh-engine-"))
    try:
        with small_disk(place / "disk", DISK_MEGABYTES) as disk:
            engine = Engine(place, disk)
            try:
                root = place / "root.tar"
                with contextlib.closing(docker.from_env()) as first, root.open("wb") as saved:
                    for part in first.images.get(ROOT_IMAGE).save(named=True):
                        saved.write(part)
                engine.start()
                engine.fill(root)
                root.unlink()
                yield engine
            finally:
                engine.stop()
    finally:
        shutil.rmtree(place, ignore_errors=True)
