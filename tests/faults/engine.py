"""A Docker Engine of our own that may be killed, with a base image so small that a run costs little.

Reached over TCP, as one on another machine: of a local engine the reaper would think that all runs of gVisor on this
machine are its own, and kill those of the first.
"""

from __future__ import annotations

import contextlib
import io
import os
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
from tests.services import free_port, until

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
    """A second daemon on this machine, with a place of its own."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.address = f"tcp://127.0.0.1:{free_port()}"
        self._daemon: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts the daemon, and waits until it answers.

        After a kill -9 it now and then waits for ever for the containerd it left: that one is then killed too, as a
        service manager would.
        """
        try:
            self._start(45)
        except AssertionError:
            self._kill_all(b"dockerd", b"containerd")
            self._start(60)

    def _start(self, seconds: float) -> None:
        command = [
            "dockerd", f"--host={self.address}", f"--data-root={self.place}/data", f"--exec-root={self.place}/exec",
            f"--pidfile={self.place}/pid", f"--config-file={self.place}/daemon.json", "--bridge=none",
            "--iptables=false",
        ]  # fmt: skip
        (self.place / "pid").unlink(missing_ok=True)
        (self.place / "daemon.json").write_text("{}")
        with (self.place / "log").open("ab") as log:
            self._daemon = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        until(self._answers, seconds, f"the second engine answers (its log: {self.place}/log)")

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
            saved_image = client.images.get("parakh/whole:latest").save(named=True)
            (self.place / "whole.tar").write_bytes(b"".join(saved_image))

    def _kill_all(self, *programs: bytes) -> None:
        """kill -9 for what runs in this engine's place: these programs, or all."""
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (process / "cmdline").read_bytes().split(b"\0")
                is_ours = any(str(self.place).encode() in word for word in words[1:])
                if is_ours and (not programs or Path(words[0].decode()).name.encode() in programs):
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
    engine = Engine(place)
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
        shutil.rmtree(place, ignore_errors=True)
