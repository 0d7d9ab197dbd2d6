"""Image archives from strangers: what is accepted, what is refused and in which words, and what the engine gets."""

from __future__ import annotations

import bz2
import contextlib
import hashlib
import json
import lzma
import random
import subprocess
import sys
import tarfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
import zstandard
from docker.errors import ImageNotFound

from sandbox import BadImage, Code, Limits, Program, images
from sandbox.bases import ROOT_IMAGE
from tests.sandbox.archives import Archive, gzipped, tar_of
from tests.sandbox.guests import MIB, TIGHT, Trial

LIMITS = Limits(image_packed_bytes=8 * MIB, image_unpacked_bytes=4 * MIB, image_layers=8)
LAYER = tar_of({"true": b"#!/bin/true\n"})
OTHER = tar_of({"other": b"something else"})


def honest() -> Archive:
    return Archive.of(LAYER, OTHER, tags=("team/model:1",))


def zstd(content: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(content)


@pytest.mark.parametrize("packed", [bytes, gzipped, zstd], ids=["tar", "tar.gz", "tar.zst"])
@pytest.mark.parametrize("layer", [bytes, gzipped], ids=["plain layers", "gzip layers"])
def test_an_honest_archive_is_accepted(
    packed: Callable[[bytes], bytes], layer: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    archive = honest()
    archive.layers = [layer(each) for each in archive.layers]
    path = tmp_path / "model"
    path.write_bytes(packed(archive.bytes()))
    found = images.inspect(path, LIMITS)
    assert (found.config, found.layers) == ("config.json", ("layer0/layer.tar", "layer1/layer.tar"))
    assert found.unpacked_bytes == len(LAYER) + len(OTHER)


def test_a_layer_that_is_there_once_may_be_linked_to(tmp_path: Path) -> None:
    """So `docker save` of some versions writes layers that occur twice."""
    archive = honest().add("same/layer.tar", type=tarfile.SYMTYPE, linkname="../layer0/layer.tar")
    archive.diff_ids.append(archive.diff_ids[0])
    archive.manifest = [{"Config": "config.json", "RepoTags": None, "Layers": [*archive.names, "same/layer.tar"]}]
    assert len(images.inspect(archive.write(tmp_path / "a.tar"), LIMITS).layers) == 3


def spoiled(change: Callable[[Archive], Any]) -> Callable[[], bytes]:
    def make() -> bytes:
        archive = honest()
        change(archive)
        return archive.bytes()

    return make


def _swap_manifest(manifest: Any) -> Callable[[], bytes]:
    return spoiled(lambda archive: setattr(archive, "manifest", manifest))


def _one(**described: Any) -> list[dict[str, Any]]:
    return [{"Config": "config.json", "RepoTags": [], "Layers": honest().names} | described]


def _bomb_layer() -> bytes:
    """8 MiB of zeros in some 8 kB."""
    zeros = tar_of({"zeros": bytes(8 * MIB)})
    archive = Archive.of(zeros)
    archive.layers = [gzipped(zeros)]
    return archive.bytes()


def _repeated_layer() -> bytes:
    """1 MiB, named six times: the engine would unpack it six times."""
    layer = tar_of({"block": random.Random(0).randbytes(MIB)})
    archive = Archive.of(layer)
    archive.diff_ids *= 6
    archive.manifest = [{"Config": "config.json", "RepoTags": [], "Layers": archive.names * 6}]
    return archive.bytes()


def _compressed_layer(compress: Callable[[bytes], bytes]) -> Callable[[], bytes]:
    """The diff_id is that of the compressed bytes, so the digest is right; the engine would unpack before it looks."""
    return lambda: Archive.of(compress(LAYER)).bytes()


def _huge_header(kind: bytes) -> Callable[[], bytes]:
    def make() -> bytes:
        entry = tarfile.TarInfo("long")
        entry.type, entry.size = kind, 6 * 1024 * MIB
        return entry.tobuf(tarfile.USTAR_FORMAT) + bytes(MIB)

    return make


def _header_chain() -> bytes:
    entry = tarfile.TarInfo("pax")
    entry.type, entry.size = tarfile.XHDTYPE, 12
    return (entry.tobuf(tarfile.USTAR_FORMAT) + b"12 comment=x".ljust(512, b"\0")) * 3000


def _sparse() -> bytes:
    entry = tarfile.TarInfo("hole")
    entry.type, entry.size = tarfile.GNUTYPE_SPARSE, 0
    head = bytearray(entry.tobuf(tarfile.GNU_FORMAT))
    head[386:398], head[398:410] = b"00000000000\0", b"00000000000\0"
    head[483:495] = b"77777777777\0"
    head[148:156] = b" " * 8
    head[148:156] = f"{sum(head):06o}\0 ".encode()
    return bytes(head) + honest().bytes()


def _twice(name: str, content: Callable[[Archive], bytes]) -> Callable[[], bytes]:
    return spoiled(lambda archive: archive.add(name, content(archive)))


def _other_config(archive: Archive) -> bytes:
    """Honest bytes are checked, these would be loaded: a config that claims somebody else's layers."""
    stolen = {"rootfs": {"type": "layers", "diff_ids": ["sha256:" + "0" * 64] * 2}}
    return json.dumps(archive.config | stolen).encode()


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "not a whole tar"),
    "not a tar": (lambda: b"MZ" + bytes(5000), "docker save"),
    "text": (lambda: b"FROM debian\n" * 100, "not a whole tar"),
    "truncated": (lambda: honest().bytes()[:1300], "not a whole tar"),
    "truncated gzip": (lambda: gzipped(honest().bytes())[:-30], "docker save"),
    "damaged gzip": (lambda: gzipped(honest().bytes())[:200] + bytes(100), "docker save"),
    "damaged zstd": (lambda: zstd(honest().bytes())[:60] + bytes(100), "docker save"),
    "xz outside": (lambda: lzma.compress(honest().bytes()), "not a whole tar"),
    "no manifest.json": (lambda: tar_of({"index.json": b"{}", "oci-layout": b"{}"}), "no manifest.json"),
    "manifest is not JSON": (lambda: tar_of({"manifest.json": b"[{"}), "not JSON"),
    "manifest nested too deep": (lambda: tar_of({"manifest.json": b"[" * 200_000}), "not JSON"),
    "manifest is no list": (_swap_manifest({}), "exactly one image"),
    "manifest of two": (_swap_manifest(_one() * 2), "exactly one image"),
    "manifest of none": (_swap_manifest([]), "exactly one image"),
    "manifest without Config": (_swap_manifest([{"Layers": []}]), "no Config or Layers"),
    "manifest of numbers": (_swap_manifest([1]), "no Config or Layers"),
    "config is missing": (_swap_manifest(_one(Config="nowhere.json")), "'nowhere.json' is missing"),
    "config is a layer": (_swap_manifest(_one(Config="layer0/layer.tar")), "docker save"),
    "config elsewhere": (_swap_manifest(_one(Config="../../etc/passwd")), "is missing"),
    "config is a list": (spoiled(lambda a: setattr(a, "config_bytes", lambda: b"[]")), "same number of layers"),
    "config of 5 MB": (spoiled(lambda a: a.config.update(x="x" * 5_000_000)), "than 4.0 MiB"),
    "a layer is missing": (_swap_manifest(_one(Layers=["layer0/layer.tar", "gone"])), "'gone' is missing"),
    "layers are no names": (_swap_manifest(_one(Layers=[["x"], {}])), "is missing"),
    "fewer layers than digests": (_swap_manifest(_one(Layers=["layer0/layer.tar"])), "same number of layers"),
    "layers swapped": (_swap_manifest(_one(Layers=honest().names[::-1])), "not what the config says"),
    "garbage under a known digest": (
        spoiled(lambda a: a.layers.__setitem__(0, b"garbage" * 100)),
        "'layer0/layer.tar' is not what the config says",
    ),
    "a damaged gzip layer": (spoiled(lambda a: a.layers.__setitem__(0, gzipped(LAYER)[:-9])), "damaged"),
    "a spoiled gzip layer": (
        spoiled(lambda a: a.layers.__setitem__(0, gzipped(LAYER)[:20] + b"\xff" * 40)),
        "damaged",
    ),
    "the config twice": (_twice("config.json", _other_config), "'config.json' is there twice"),
    "the config twice, spelt otherwise": (_twice("./x/../config.json", _other_config), "is there twice"),
    "a layer twice": (_twice("layer0/layer.tar", lambda a: b"garbage"), "is there twice"),
    "a file that is a link as well": (
        spoiled(lambda a: a.add("layer0/layer.tar", type=tarfile.SYMTYPE, linkname="../layer1/layer.tar")),
        "is there twice",
    ),
    "a path that leaves": (spoiled(lambda a: a.add("../../etc/cron.d/evil", b"x")), "leaves the archive"),
    "a path that leaves later": (spoiled(lambda a: a.add("a/../../b", b"x")), "leaves the archive"),
    "an absolute path": (spoiled(lambda a: a.add("/etc/cron.d/evil", b"x")), "leaves the archive"),
    "a hard link": (spoiled(lambda a: a.add("x", type=tarfile.LNKTYPE, linkname="/etc/passwd")), "neither file nor"),
    "a device": (spoiled(lambda a: a.add("x", type=tarfile.BLKTYPE, devmajor=8)), "neither file nor directory"),
    "a FIFO": (spoiled(lambda a: a.add("x", type=tarfile.FIFOTYPE)), "neither file nor directory"),
    "a layer that is a link out": (
        spoiled(lambda a: vars(a.add("up", type=tarfile.SYMTYPE, linkname="/etc/passwd")).update(
            manifest=_one(Layers=["up", "layer1/layer.tar"]))),
        "'up' is missing",
    ),
    "a sparse file": (_sparse, "docker save"),
    "too many layers": (lambda: Archive.of(*[LAYER] * 9).bytes(), "9 layers; at most 8 are allowed"),
    "a layer that unpacks too far": (_bomb_layer, "unpack to more than 4.0 MiB"),
    "a layer named six times": (_repeated_layer, "unpack to more than 4.0 MiB"),
    "an xz layer": (_compressed_layer(lzma.compress), "else than gzip"),
    "a bzip2 layer": (_compressed_layer(bz2.compress), "else than gzip"),
    "a zstd layer": (_compressed_layer(zstd), "else than gzip"),
    "too many entries": (
        spoiled(lambda a: [a.add(f"{number}") for number in range(2001)]), "more than 2000 entries"
    ),
    "a bomb around it all": (lambda: gzipped(tar_of({"zeros": bytes(200 * MIB)})), "unpack to more than"),
    "a header of 6 GiB": (lambda: gzipped(_huge_header(tarfile.XHDTYPE)()), "absurd size"),
    "a global header of 6 GiB": (_huge_header(tarfile.XGLTYPE), "absurd size"),
    "a name of 6 GiB": (_huge_header(tarfile.GNUTYPE_LONGNAME), "absurd size"),
    "a link name of 6 GiB": (_huge_header(tarfile.GNUTYPE_LONGLINK), "absurd size"),
    "a chain of headers": (_header_chain, "docker save"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, tmp_path: Path) -> None:
    make, says = REFUSED[name]
    path = tmp_path / "model.tar"
    path.write_bytes(make())
    with pytest.raises(BadImage) as refusal:
        images.inspect(path, LIMITS)
    assert says in str(refusal.value)
    assert len(str(refusal.value)) < 500


def test_an_archive_over_the_packed_limit_is_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "model.tar"
    with path.open("wb") as file:
        file.truncate(9 * MIB)
    with pytest.raises(BadImage, match=r"9\.0 MiB; at most 8\.0 MiB"):
        images.inspect(path, LIMITS)


def test_whatever_is_changed_it_is_refused_or_the_same(tmp_path: Path) -> None:
    """A thousand damaged archives: nothing but BadImage ever comes out, and an accepted one names true layers."""
    chance = random.Random(7)
    whole = {"tar": honest().bytes(), "gz": gzipped(honest().bytes()), "zst": zstd(honest().bytes())}
    path = tmp_path / "model.tar"
    refused = 0
    for turn in range(1000):
        content = bytearray(whole[("tar", "gz", "zst")[turn % 3]])
        for _ in range(chance.randint(1, 8)):
            start = chance.randrange(len(content))
            content[start : start + chance.randint(0, 4)] = chance.randbytes(chance.randint(0, 4))
        path.write_bytes(content)
        try:
            assert images.inspect(path, LIMITS).unpacked_bytes == len(LAYER) + len(OTHER)
        except BadImage:
            refused += 1
    assert refused > 500


SMALL_WORKER = """
import resource, sys, pathlib
sys.path.insert(0, sys.argv[2])
from sandbox import BadImage, Limits, images
used = int(open("/proc/self/statm").read().split()[0]) * 4096
resource.setrlimit(resource.RLIMIT_AS, (used + 96 * 2**20, -1))
try:
    print("accepted", images.inspect(pathlib.Path(sys.argv[1]), Limits()).unpacked_bytes)
except BadImage as error:
    print("refused", error)
"""


def _many_small_files() -> Iterator[bytes]:
    for number in range(160):
        entry = tarfile.TarInfo(f"{number}.json")
        entry.size = 2 * MIB
        yield entry.tobuf() + b"{" + bytes(2 * MIB - 1)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: [gzipped(_huge_header(tarfile.GNUTYPE_LONGNAME)() + bytes(300 * MIB))], "absurd size"),
        (_many_small_files, "no manifest.json"),
        (lambda: [Archive.of(tar_of({"big": random.Random(1).randbytes(120 * MIB)})).bytes()], "accepted"),
    ],
    ids=["a huge header", "320 MiB of would-be JSON", "a layer of 120 MiB"],
)
def test_inspection_needs_little_memory(make: Callable[[], Any], says: str, tmp_path: Path) -> None:
    path = tmp_path / "model.tar"
    with path.open("wb") as file:
        file.writelines(make())
    worker = [sys.executable, "-c", SMALL_WORKER, str(path), str(Path(images.__file__).parents[1])]
    done = subprocess.run(worker, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr[-800:]
    assert says in done.stdout


# -- with a real engine ------------------------------------------------------------------------------------------


@pytest.fixture
def run_id(engine: docker.DockerClient) -> Iterator[str]:
    """Of an upload; afterwards its image must be gone."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    before = {str(image.id) for image in engine.images.list(all=True)}
    yield name
    images.remove(name)
    with contextlib.suppress(ImageNotFound):
        engine.images.get(f"{images.UPLOADS}:{name}")
        pytest.fail("the upload's name is still there")
    assert {str(image.id) for image in engine.images.list(all=True)} <= before


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


def saved(engine: docker.DockerClient, name: str) -> bytes:
    return b"".join(engine.images.get(name).save(named=True))


@pytest.mark.docker
@pytest.mark.parametrize("packed", [bytes, gzipped, zstd], ids=["tar", "tar.gz", "tar.zst"])
def test_what_docker_save_writes_is_loaded_as_the_same_image(
    packed: Callable[[bytes], bytes], engine: docker.DockerClient, tiny: str, run_id: str, tmp_path: Path
) -> None:
    path = tmp_path / "model"
    path.write_bytes(packed(saved(engine, tiny)))
    wanted = str(engine.images.get(tiny).id)
    tar = images.inspect(path, LIMITS)
    assert images.load(tar, run_id) == wanted
    assert sorted(engine.images.get(wanted).tags) == sorted([tiny, f"{images.UPLOADS}:{run_id}"])
    images.remove(run_id)
    images.remove(run_id)
    assert engine.images.get(tiny).tags == [tiny], "an image that others use was taken away"


@pytest.mark.docker
def test_an_image_the_engine_never_saw_is_loaded_and_removed(
    engine: docker.DockerClient, run_id: str, tmp_path: Path
) -> None:
    archive = Archive.of(tar_of({"x": uuid.uuid4().bytes}), tags=("team/other:1",))
    image_id = images.load(images.inspect(archive.write(tmp_path / "a.tar"), LIMITS), run_id)
    assert image_id == f"sha256:{hashlib.sha256(archive.config_bytes()).hexdigest()}"
    assert engine.images.get(image_id).tags == [f"{images.UPLOADS}:{run_id}"]
    images.remove(run_id)
    with pytest.raises(ImageNotFound):
        engine.images.get(image_id)


@pytest.mark.docker
def test_no_name_of_ours_is_moved(engine: docker.DockerClient, run_id: str, tmp_path: Path) -> None:
    before = str(engine.images.get(ROOT_IMAGE).id)
    archive = Archive.of(tar_of({"x": uuid.uuid4().bytes}), tags=(ROOT_IMAGE, "parakh/base-pytorch:latest"))
    images.load(images.inspect(archive.write(tmp_path / "a.tar"), LIMITS), run_id)
    assert engine.images.get(ROOT_IMAGE).id == before


@pytest.mark.docker
def test_another_teams_layer_is_not_to_be_had(
    engine: docker.DockerClient, tiny: str, run_id: str, tmp_path: Path
) -> None:
    """Garbage under the digest of a layer the engine has: `docker load` itself gives the other team's files away."""
    stolen = engine.images.get(tiny).attrs["RootFS"]["Layers"]
    archive = Archive.of(b"garbage", b"garbage too")
    archive.diff_ids = list(stolen)
    before = {str(image.id) for image in engine.images.list(all=True)}
    with pytest.raises(BadImage, match="not what the config says"):
        images.load(images.inspect(archive.write(tmp_path / "a.tar"), LIMITS), run_id)
    engine.images.load(archive.bytes())  # the hole is real: the engine alone takes it
    theft = {str(image.id) for image in engine.images.list(all=True)} - before
    assert len(theft) == 1
    for image_id in theft:
        engine.images.remove(image_id, force=True)


@pytest.mark.docker
@pytest.mark.parametrize("layer", [b"no tar at all" * 100, b"", tar_of({"../../../../tmp/parakh-escaped": b"x"})])
def test_a_layer_that_is_no_tar_is_the_submissions_fault(layer: bytes, run_id: str, tmp_path: Path) -> None:
    tar = images.inspect(Archive.of(layer).write(tmp_path / "a.tar"), LIMITS)
    with contextlib.suppress(BadImage):
        images.load(tar, run_id)
    assert not Path("/tmp/parakh-escaped").exists()


@pytest.mark.docker
def test_size_and_existence_of_an_image(engine: docker.DockerClient, tiny: str) -> None:
    assert images.image_bytes(tiny) == engine.images.get(tiny).attrs["Size"]
    for name in ("parakh/nowhere", "", "Two Words"):
        with pytest.raises(BadImage):
            images.image_bytes(name)


@pytest.mark.docker
def test_an_image_for_another_processor_does_not_start(
    engine: docker.DockerClient, run_id: str, trial: Trial, tmp_path: Path
) -> None:
    archive = Archive.of(tar_of({"true": b"\x7fELF\2\1\1" + bytes(100)}))
    archive.config["architecture"] = "s390x"
    image_id = images.load(images.inspect(archive.write(tmp_path / "a.tar"), LIMITS), run_id)
    assert trial(Program(image=image_id), TIGHT).verdict.code is Code.RUNTIME_ERROR
