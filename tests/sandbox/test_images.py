"""Uploads on a real engine: what is loaded is what was looked at, under a name of ours, and it goes without a trace."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import random
import socket
import socketserver
import tarfile
import threading
import tracemalloc
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest
from docker.errors import ImageNotFound

from sandbox import BadImage, Limits, Program, SandboxUnavailable, images
from sandbox.bases import ROOT_IMAGE, base_image
from sandbox.image.rewrite import rewritten
from tests.sandbox.archives import Archive, OciArchive, entry, gzipped, hard_link, symlink, tar_of, tar_with, zstd
from tests.sandbox.guests import ECHO, MIB, PRELUDE, TIGHT, Answers, Trial, until

pytestmark = pytest.mark.docker

LIMITS = Limits(image_packed_bytes=64 * MIB, image_unpacked_bytes=64 * MIB)
LAYER = tar_of({"true": b"#!/bin/true\n"})


@pytest.fixture
def run_id(engine: docker.DockerClient) -> Iterator[str]:
    """Of an upload; afterwards its name must be gone."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    yield name
    images.remove(name)
    assert name_of(engine, name) is None


@pytest.fixture(scope="module")
def tiny(engine: docker.DockerClient) -> Iterator[str]:
    """A real image of two layers, a few kB."""
    name = "parakh-test/tiny:latest"
    engine.api.import_image_from_data(LAYER, *name.split(":"))
    made = engine.containers.create(name, ["/true"])
    made.put_archive("/", tar_of({"secret": uuid.uuid4().bytes}))
    made.commit(*name.split(":"), conf={"Cmd": ["/true"]})
    made.remove()
    yield name
    engine.images.remove(name, force=True)


def name_of(engine: docker.DockerClient, run_id: str) -> str | None:
    """ID of the image under the run's name."""
    with contextlib.suppress(ImageNotFound):
        return str(engine.images.get(f"{images.UPLOADS}:{run_id}").id)
    return None


def has(engine: docker.DockerClient, image_id: str) -> bool:
    with contextlib.suppress(ImageNotFound):
        return bool(engine.images.get(image_id))
    return False


def fresh(*more: tuple[tarfile.TarInfo, bytes], big: int = 0) -> Archive:
    """An image no engine has seen."""
    chance = random.Random(uuid.uuid4().bytes)
    return Archive.of(LAYER, tar_with(entry("new", uuid.uuid4().bytes), *more, entry("big", chance.randbytes(big))))


def id_of(archive: Archive) -> str:
    return f"sha256:{hashlib.sha256(archive.config_bytes()).hexdigest()}"


def saved(engine: docker.DockerClient, name: str) -> bytes:
    return b"".join(engine.images.get(name).save(named=True))


# -- what is loaded ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", [bytes, gzipped, zstd], ids=["tar", "tar.gz", "tar.zst"])
def test_what_docker_save_writes_is_loaded_as_the_same_image(
    packed: Callable[[bytes], bytes], engine: docker.DockerClient, tiny: str, run_id: str, tmp_path: Path
) -> None:
    path = tmp_path / "model"
    path.write_bytes(packed(saved(engine, tiny)))
    wanted = str(engine.images.get(tiny).id)
    assert images.load(images.inspect(path, LIMITS), run_id) == wanted
    assert sorted(engine.images.get(wanted).tags) == sorted([tiny, f"{images.UPLOADS}:{run_id}"])
    images.remove(run_id)
    images.remove(run_id)
    assert engine.images.get(tiny).tags == [tiny], "an image that others use was taken away"


@pytest.mark.parametrize("inside", [bytes, gzipped, zstd], ids=["plain", "gzip", "zstd"])
@pytest.mark.parametrize("layout", ["docker", "oci"])
def test_every_layout_and_compression_becomes_the_same_files(
    inside: Callable[[bytes], bytes], layout: str, engine: docker.DockerClient, run_id: str, tmp_path: Path
) -> None:
    """Also those this engine can't read by itself: it gets plain layers only."""
    archive = fresh(symlink("link", "new"), hard_link("twin", "new"), entry(".wh.true"), entry("é/" + "long" * 50))
    archive.layers = [inside(layer) for layer in archive.layers]
    made = archive if layout == "docker" else OciArchive.of(archive).nest()
    image_id = images.load(images.inspect(made.write(tmp_path / "a.tar"), LIMITS), run_id)
    assert image_id == id_of(archive)
    assert engine.images.get(image_id).attrs["RootFS"]["Layers"] == archive.diff_ids
    container = engine.containers.create(image_id)
    names = {name.strip("/") for name in _names(b"".join(container.export()))}
    container.remove()
    assert {"link", "twin", "new", "é/" + "long" * 50} <= names
    assert "true" not in names, "a whiteout was lost"
    images.remove(run_id)
    assert not has(engine, image_id)


def _names(content: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return tar.getnames()


def test_layers_that_occur_twice_are_sent_once(engine: docker.DockerClient, run_id: str, tmp_path: Path) -> None:
    archive = fresh()
    archive.add("same/layer.tar", type=tarfile.SYMTYPE, linkname="../layer0/layer.tar")
    archive.diff_ids.append(archive.diff_ids[0])
    archive.manifest = [{"Config": "config.json", "RepoTags": None, "Layers": [*archive.names, "same/layer.tar"]}]
    tar = images.inspect(archive.write(tmp_path / "a.tar"), LIMITS)
    assert len(_names(b"".join(rewritten(tar, "x:y")))) == 4, "two layers, the config, the manifest"
    assert engine.images.get(images.load(tar, run_id)).attrs["RootFS"]["Layers"] == archive.diff_ids


@pytest.mark.parametrize("name", ["root", "pytorch"])
def test_images_of_ours_pass_and_run(
    name: str, engine: docker.DockerClient, run_id: str, trial: Trial, tmp_path: Path
) -> None:
    """Real ones, by `docker save`: a distribution by debootstrap, and PyTorch on it."""
    source = ROOT_IMAGE if name == "root" else base_image("pytorch")
    made = engine.containers.create(source, ["/true"])
    tag = f"parakh-test/echo-{name}:latest"
    try:
        command = ["python3", "-I", "-S", "-c", PRELUDE + ECHO]
        made.commit(*tag.split(":"), conf={"Entrypoint": command, "Cmd": None, "WorkingDir": "/"})
    finally:
        made.remove()
    path = tmp_path / "model.tar"
    try:
        with path.open("wb") as file:
            file.writelines(engine.images.get(tag).save(named=True))
    finally:
        engine.images.remove(tag)
    tar = images.inspect(path, Limits())
    assert tar.files > 1000
    answers = Answers(total=2)
    result = trial(Program(image=images.load(tar, run_id)), TIGHT, answers)
    assert result.verdict.ok, result.verdict.sentence
    path.unlink()


# -- what strangers try ------------------------------------------------------------------------------------------


def test_no_name_of_ours_is_moved(engine: docker.DockerClient, run_id: str, tmp_path: Path) -> None:
    before = str(engine.images.get(ROOT_IMAGE).id)
    archive = fresh()
    archive.tags = [ROOT_IMAGE, "parakh/base-pytorch:latest"]
    image_id = images.load(images.inspect(archive.write(tmp_path / "a.tar"), LIMITS), run_id)
    assert engine.images.get(ROOT_IMAGE).id == before
    assert engine.images.get(image_id).tags == [f"{images.UPLOADS}:{run_id}"]


def test_another_teams_layer_is_not_to_be_had(engine: docker.DockerClient, tiny: str, tmp_path: Path) -> None:
    """Garbage under the digest of a layer the engine has: `docker load` itself gives the other team's files away."""
    stolen = engine.images.get(tiny).attrs["RootFS"]["Layers"]
    archive = Archive.of(b"garbage", b"garbage too")
    archive.diff_ids = list(stolen)
    with pytest.raises(BadImage, match="not what the config says"):
        images.inspect(archive.write(tmp_path / "a.tar"), LIMITS)
    assert not has(engine, id_of(archive))
    engine.images.load(archive.bytes())  # the hole is real: the engine alone takes it
    assert engine.images.get(id_of(archive)).attrs["RootFS"]["Layers"] == stolen
    engine.images.remove(id_of(archive), force=True)


@pytest.mark.parametrize("name", ["RootFS", "rootfſ", "rootfs"])
def test_the_engine_does_read_a_field_in_other_letters(
    name: str, engine: docker.DockerClient, tiny: str, tmp_path: Path
) -> None:
    """Why names are compared so narrowly: what Python passes over here gives the other team's layers away."""
    stolen = engine.images.get(tiny).attrs["RootFS"]["Layers"]
    archive = Archive.of(*(tar_of({f"mine{number}": uuid.uuid4().bytes}) for number in range(len(stolen))))
    config = archive.config_bytes()[:-1] + f', "{name}": {json.dumps({"diff_ids": stolen})}}}'.encode()
    archive.config_bytes = lambda: config  # type: ignore[method-assign]
    with pytest.raises(BadImage, match=r"twice|is meant"):
        images.inspect(archive.write(tmp_path / "a.tar"), LIMITS)
    engine.images.load(archive.bytes())
    assert engine.images.get(id_of(archive)).attrs["RootFS"]["Layers"] == stolen
    engine.images.remove(id_of(archive), force=True)


@pytest.mark.parametrize(
    "layer",
    [
        tar_with(entry("a"), entry("a/b")),
        tar_with(entry("x"), entry(".wh.x")),
        tar_with(entry("d/x"), hard_link("d", "d/x")),
    ],
    ids=["a file below a file", "a whiteout of its own file", "a link over its own directory"],
)
def test_what_only_the_engine_can_judge_is_the_submissions_fault(
    layer: bytes, engine: docker.DockerClient, run_id: str, tmp_path: Path
) -> None:
    archive = Archive.of(tar_of({"new": uuid.uuid4().bytes}), layer)
    tar = images.inspect(archive.write(tmp_path / "a.tar"), LIMITS)
    with pytest.raises(BadImage, match="refused by the engine"):
        images.load(tar, run_id)
    assert name_of(engine, run_id) is None
    assert not has(engine, id_of(archive))


def test_a_config_the_engine_can_not_read_is_the_submissions_fault(
    engine: docker.DockerClient, run_id: str, tmp_path: Path
) -> None:
    archive = fresh()
    archive.config["created"] = "yesterday"
    tar = images.inspect(archive.write(tmp_path / "a.tar"), LIMITS)
    with pytest.raises(BadImage, match=r"refused by the engine \(.*parsing time"):
        images.load(tar, run_id)
    assert not has(engine, id_of(archive))


# -- what goes wrong on the way ----------------------------------------------------------------------------------


def _other_layer(archive: Archive) -> None:
    archive.layers[1] = archive.layers[1].replace(b"new", b"old")


def _longer_layer(archive: Archive) -> None:
    archive.layers[1] += bytes(1024)


def _shorter_layer(archive: Archive) -> None:
    archive.layers[1] = archive.layers[1][:-1024]


def _no_layer(archive: Archive) -> None:
    archive.names[1] = "elsewhere"


@pytest.mark.parametrize("change", [_other_layer, _longer_layer, _shorter_layer, _no_layer])
@pytest.mark.parametrize("packed", [bytes, gzipped], ids=["tar", "tar.gz"])
def test_a_file_that_changes_after_the_look_is_not_loaded(
    change: Callable[[Archive], None],
    packed: Callable[[bytes], bytes],
    engine: docker.DockerClient,
    run_id: str,
    tmp_path: Path,
) -> None:
    archive, path = fresh(), tmp_path / "model"
    path.write_bytes(packed(archive.bytes()))
    wanted = id_of(archive)
    tar = images.inspect(path, LIMITS)
    archive.config["rootfs"] = None
    change(archive)
    path.write_bytes(packed(archive.bytes()))
    with pytest.raises(BadImage, match="the archive changed while it was being loaded"):
        images.load(tar, run_id)
    assert name_of(engine, run_id) is None
    assert not has(engine, wanted)
    wait_for_the_engine_to_clear_up(engine)


def test_a_config_that_changes_after_the_look_is_not_the_one_loaded(
    engine: docker.DockerClient, run_id: str, tmp_path: Path
) -> None:
    archive = fresh()
    wanted, path = id_of(archive), archive.write(tmp_path / "model")
    tar = images.inspect(path, LIMITS)
    archive.config["config"]["Cmd"] = ["/evil"]
    archive.write(path)
    assert images.load(tar, run_id) == wanted


def test_a_file_that_is_gone_is_our_fault(run_id: str, tmp_path: Path) -> None:
    path = fresh().write(tmp_path / "model")
    tar = images.inspect(path, LIMITS)
    path.unlink()
    with pytest.raises(SandboxUnavailable):
        images.load(tar, run_id)


class _Relay(socketserver.ThreadingUnixStreamServer):
    """The engine's socket, until a request passes that is longer than `room`: then it is dead."""

    daemon_threads = True
    room = 20 * MIB
    is_dead = False


class _Connection(socketserver.BaseRequestHandler):
    server: _Relay

    def handle(self) -> None:
        if self.server.is_dead:
            return
        with socket.socket(socket.AF_UNIX) as engine:
            engine.connect("/var/run/docker.sock")
            threading.Thread(target=self._pass_answers, args=(engine,), daemon=True).start()
            passed = 0
            while (data := self.request.recv(1 << 16)) and passed < self.server.room:
                passed += len(data)
                engine.sendall(data)
            if passed >= self.server.room:
                self.server.is_dead = True
            engine.shutdown(socket.SHUT_RDWR)

    def _pass_answers(self, engine: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := engine.recv(1 << 16):
                self.request.sendall(data)


def test_an_engine_that_dies_in_the_middle_is_not_the_submissions_fault(
    engine: docker.DockerClient, run_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = fresh(big=40 * MIB)
    tar = images.inspect(archive.write(tmp_path / "model"), LIMITS)
    address = f"/tmp/parakh-{uuid.uuid4().hex[:8]}.sock"  # tmp_path is too long for a socket
    with _Relay(address, _Connection) as relay:
        threading.Thread(target=relay.serve_forever, daemon=True).start()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{address}")
        with pytest.raises(SandboxUnavailable):
            images.load(tar, run_id)
        assert relay.is_dead
        relay.shutdown()
    os.unlink(address)
    monkeypatch.delenv("DOCKER_HOST")
    wait_for_the_engine_to_clear_up(engine)
    assert not has(engine, id_of(archive))


def wait_for_the_engine_to_clear_up(engine: docker.DockerClient) -> None:
    """What loads have unpacked so far must go; nothing is to be seen where only root may look."""
    folder = Path(engine.info()["DockerRootDir"], "tmp")
    with contextlib.suppress(PermissionError):
        made = list(folder.glob("docker-import-*"))
        until(lambda: not any(path.exists() for path in made), seconds=60)


def test_memory_stays_flat_while_it_is_loaded(engine: docker.DockerClient, run_id: str, tmp_path: Path) -> None:
    """The archive is written anew in chunks: of 60 MiB never more than a few are there."""
    tar = images.inspect(fresh(big=60 * MIB).write(tmp_path / "model"), Limits())
    tracemalloc.start()
    try:
        for _ in rewritten(tar, "x:y"):
            pass
        assert tracemalloc.get_traced_memory()[1] < 12 * MIB
    finally:
        tracemalloc.stop()


def test_what_is_no_part_of_the_image_is_not_sent(tmp_path: Path) -> None:
    """However much it is, and wherever it stands."""
    archive = fresh().add("attestation", b"\xfd7zXZ\0" + bytes(90 * MIB))
    tar = images.inspect(archive.write(tmp_path / "model"), Limits())
    assert sum(map(len, rewritten(tar, "x:y"))) < MIB


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("Error processing tar file(exit status 1): archive/tar: invalid tar header", BadImage),
        ("Error processing tar file(exit status 1): open /a/b: not a directory", BadImage),
        ("max depth exceeded", BadImage),
        ("Error processing tar file(exit status 1): write /big: no space left on device", SandboxUnavailable),
        ("Error processing tar file(signal: killed): ", SandboxUnavailable),
        ("fork/exec /proc/self/exe: cannot allocate memory", SandboxUnavailable),
        ("failed to start the storage driver", SandboxUnavailable),
        ("something new", SandboxUnavailable),
    ],
)
def test_whose_fault_it_is_when_the_engine_refuses(said: str, kind: type[Exception]) -> None:
    """What it says on a full disk or without memory can't be had here without harm to others: by its words."""
    assert type(images._refusal(f"{said} sha256:{'0' * 64}")) is kind
    assert "0" * 32 not in str(images._refusal(f"{said} sha256:{'0' * 64}"))


def test_size_and_existence_of_an_image(engine: docker.DockerClient, tiny: str) -> None:
    assert images.image_bytes(tiny) == engine.images.get(tiny).attrs["Size"]
    for name in ("parakh/nowhere", "", "Two Words"):
        with pytest.raises(BadImage):
            images.image_bytes(name)
