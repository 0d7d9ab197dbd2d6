"""Builds a base image: a Debian root, the wheels of its list, the guest files. Works without an image registry.

The root comes from debootstrap where that is to be had (root on Debian or Ubuntu), else from `debian:bookworm-slim`.
Wheels are downloaded on this machine for the image's Python, and put in by the engine's own copy into a container
that has never run. Bytecode is compiled inside, since a read-only container can't keep any.
"""

from __future__ import annotations

import collections
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import docker
from docker.errors import ImageNotFound
from docker.models.containers import Container

from sandbox.bases import CODE_ENTRYPOINT, HERE, RECIPE_LABEL, ROOT_IMAGE, base_image, recipe
from sandbox.engine import connect, engine_errors
from sandbox.errors import SandboxError, SandboxUnavailable

Say = Callable[[str], None]

SITE_PACKAGES = "usr/local/lib/python3.11/dist-packages"
_SUITE = "bookworm"
_PUBLIC_ROOT = "debian:bookworm-slim"
_USELESS_IN_ROOT = (
    "usr/share/doc",
    "usr/share/man",
    "usr/share/info",
    "usr/share/locale",
    "var/cache",
    "var/lib/apt",
)
_USELESS_IN_WHEELS = ("torch/include", "torch/test", "torch/share", "torch/bin/protoc")


class BuildFailed(SandboxError):
    """A base image could not be built; the message says what to do."""


def build(name: str, say: Say = print, force: bool = False) -> str:
    """Builds base `name` unless this engine has it already, made by the same recipe. Returns the image's name.

    Raises:
        BuildFailed: with what to do about it.
        SandboxUnavailable: the engine failed.
    """
    client = connect()
    with contextlib.closing(client):
        image = base_image(name)
        if not force and is_built(client, name):
            say(f"{image} is up to date")
            return image
        _build_root(client, say)
        with tempfile.TemporaryDirectory(prefix="parakh-base-") as scratch:
            packages = Path(scratch) / "packages"
            _install_wheels(client, name, packages, say)
            say(f"making {image}")
            with engine_errors(f"making {image}"):
                _assemble(client, name, packages)
        say(f"{image} is ready")
        return image


def is_built(client: docker.DockerClient, name: str) -> bool:
    """True if the engine has this base, made by today's recipe.

    Raises:
        SandboxUnavailable: the engine failed.
    """
    with engine_errors("looking for a base image"):
        try:
            image = client.images.get(base_image(name))
            client.images.get(ROOT_IMAGE)
        except ImageNotFound:
            return False
    return bool(image.labels.get(RECIPE_LABEL) == recipe(name))


def _build_root(client: docker.DockerClient, say: Say) -> None:
    with engine_errors("looking for the root image"), contextlib.suppress(ImageNotFound):
        client.images.get(ROOT_IMAGE)
        return
    if shutil.which("debootstrap") and os.geteuid() == 0:
        say("making a Debian root with debootstrap (about 40 s)")
        with tempfile.TemporaryDirectory(prefix="parakh-root-") as scratch:
            root = Path(scratch) / "root"
            _execute(
                ["debootstrap", "--variant=minbase", "--include=python3", _SUITE, str(root)],
                "debootstrap failed. Is Debian's package mirror reachable?",
            )
            for useless in _USELESS_IN_ROOT:
                shutil.rmtree(root / useless, ignore_errors=True)
            with engine_errors("importing the root image"), _as_tar(root) as packed:
                client.api.import_image_from_data(packed, *ROOT_IMAGE.split(":"))
        return
    say(f"making a Debian root from {_PUBLIC_ROOT}")
    try:
        with engine_errors(f"pulling {_PUBLIC_ROOT} and installing Python in it"):
            client.images.pull(_PUBLIC_ROOT)
            script = "apt-get update && apt-get install -y --no-install-recommends python3"
            container = client.containers.create(_PUBLIC_ROOT, ["sh", "-c", f"{script} && rm -rf /var/lib/apt/*"])
            _finish(container, 600)
            container.commit(*ROOT_IMAGE.split(":"), conf={"Cmd": None})
            container.remove(force=True)
    except SandboxUnavailable as error:
        raise BuildFailed(
            f"{error}. Without a registry the root is made by debootstrap: on Debian or Ubuntu, as root, "
            "`apt-get install debootstrap` and try again"
        ) from error


def _install_wheels(client: docker.DockerClient, name: str, target: Path, say: Say) -> None:
    """Downloads the wheels of `NAME.txt` for the image's Python and unpacks them into `target`."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "parakh" / "wheels" / name
    cache.mkdir(parents=True, exist_ok=True)
    wheels = str(cache)
    with engine_errors("asking for the engine's architecture"):
        machine = str(client.info()["Architecture"])
    platforms = [f"--platform=manylinux{version}_{machine}" for version in ("2014", "_2_17", "_2_27", "_2_28")]
    for_image = [
        "--python-version=3.11",
        "--implementation=cp",
        *platforms,
        "--only-binary=:all:",
        "--no-deps",
    ]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    wanted = str(HERE / f"{name}.txt")
    from_cache = ["--no-index", "--find-links", wheels]
    say(f"downloading wheels for {name} (kept in {wheels})")
    _execute(
        [*pip, "download", "--progress-bar=raw", "-r", wanted, "-d", wheels, *for_image, "--find-links", wheels],
        f"The wheels of {wanted} could not be downloaded. Is PyPI reachable?",
        say,
    )
    say("unpacking them")
    # The cache may hold wheels of older lists: only what the list names is taken.
    _execute(
        [*pip, "install", "--quiet", "-r", wanted, "--target", str(target), *for_image, *from_cache, "--no-compile"],
        "The wheels could not be unpacked.",
    )
    for useless in _USELESS_IN_WHEELS:
        shutil.rmtree(target / useless, ignore_errors=True)
    for archive in target.rglob("*.a"):
        archive.unlink()


def _assemble(client: docker.DockerClient, name: str, packages: Path) -> None:
    compile_all = (
        f"python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash /{SITE_PACKAGES} /opt/parakh || true"
    )
    container = client.containers.create(ROOT_IMAGE, ["sh", "-c", compile_all], network_mode="none")
    try:
        with _as_tar(packages, SITE_PACKAGES) as packed:
            container.put_archive("/", packed)
        with _as_tar(HERE / "guest", "opt/parakh") as packed:
            container.put_archive("/", packed)
        _finish(container, 600)
        repository, tag = base_image(name).split(":")
        settings = {
            "Entrypoint": list(CODE_ENTRYPOINT),
            "Cmd": None,
            "User": "65534:65534",
            "WorkingDir": "/submission",
            # So that `from parakh import serve` works in images built on top of this one.
            "Env": ["PYTHONPATH=/opt/parakh", "PYTHONUNBUFFERED=1"],
            "Labels": {RECIPE_LABEL: recipe(name)},
        }
        container.commit(repository, tag, conf=settings)
    finally:
        container.remove(force=True)


def _finish(container: Container, seconds: int) -> None:
    """Runs one of our own build containers to its end.

    Raises:
        SandboxUnavailable: it failed, with the end of its log.
    """
    container.start()
    code = container.wait(timeout=seconds)["StatusCode"]
    if code != 0:
        said = container.logs(tail=15).decode("utf-8", "replace")
        raise SandboxUnavailable(f"a build step ended with exit code {code}: {said}")


@contextlib.contextmanager
def _as_tar(directory: Path, below: str = "") -> Iterator[IO[bytes]]:
    """A directory as a tar stream, owned by root, without a copy on disk."""
    reading, writing = os.pipe()

    def owned_by_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        return entry

    def write() -> None:
        with (
            contextlib.suppress(BrokenPipeError),
            os.fdopen(writing, "wb") as sink,
            tarfile.open(fileobj=sink, mode="w|", format=tarfile.PAX_FORMAT) as tar,
        ):
            tar.add(directory, arcname=below or ".", filter=owned_by_root)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    with os.fdopen(reading, "rb") as source:
        yield source
    writer.join()


def _execute(command: list[str], advice: str, say: Say | None = None) -> None:
    """Runs a program to its end; `say` is told pip's downloads, and how far they are every other second.

    Raises:
        BuildFailed: `advice`, and the end of what the program said.
    """
    said: collections.deque[str] = collections.deque(maxlen=20)
    next_word = time.monotonic() + 2
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            progress = re.match(r"Progress (\d+) of (\d+)", line)
            if progress and say and time.monotonic() > next_word:
                say(f"  {int(progress[1]) / 1e6:.0f} of {int(progress[2]) / 1e6:.0f} MB")
                next_word = time.monotonic() + 2
            elif say and line.strip().startswith("Downloading "):
                say(line.strip())
            if not progress:
                said.append(line)
    if process.returncode != 0:
        raise BuildFailed(f"{advice}\n{''.join(said)}".strip())
