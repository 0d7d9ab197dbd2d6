"""Image archives with one thing wrong: each is refused, in words that name it and the remedy."""

from __future__ import annotations

import bz2
import json
import lzma
import random
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox import Limits
from tests.sandbox.archives import (
    LAYER,
    OCI,
    OTHER,
    Archive,
    OciArchive,
    bomb,
    gzipped,
    honest,
    huge_header,
    pax_header,
    record,
    refusal,
    spoilt_header,
    symlink,
    tar_of,
    tar_with,
    zstd,
)
from tests.sandbox.guests import MIB

LIMITS = Limits(image_packed_bytes=8 * MIB, image_unpacked_bytes=4 * MIB, image_layers=8, image_files=500)


def spoilt(change: Callable[[Archive], Any]) -> Callable[[], bytes]:
    def make() -> bytes:
        archive = honest()
        change(archive)
        return archive.bytes()

    return make


def _manifest(manifest: Any) -> Callable[[], bytes]:
    return spoilt(lambda archive: setattr(archive, "manifest", manifest))


def _one(**described: Any) -> list[dict[str, Any]]:
    return [{"Config": "config.json", "RepoTags": [], "Layers": honest().names} | described]


def _config(**fields: Any) -> Callable[[], bytes]:
    return spoilt(lambda archive: archive.config.update(fields))


def _config_bytes(write: Callable[[Archive], bytes]) -> Callable[[], bytes]:
    def change(archive: Archive) -> None:
        content = write(archive)
        archive.config_bytes = lambda: content  # type: ignore[method-assign]

    return spoilt(change)


def _stolen_twin(name: str) -> Callable[[], bytes]:
    """Python reads the honest `rootfs`, and Go the other, which it takes for the same field."""
    rootfs = json.dumps({"type": "layers", "diff_ids": ["sha256:" + "0" * 64] * 2})
    return _config_bytes(lambda archive: archive.config_bytes()[:-1] + f', "{name}": {rootfs}}}'.encode())


def _stolen_diff_ids(name: str) -> Callable[[], bytes]:
    stolen = json.dumps(["sha256:" + "0" * 64] * 2)
    return _config_bytes(lambda archive: archive.config_bytes()[:-2] + f', "{name}": {stolen}}}}}'.encode())


def _linked(*links: tuple[tarfile.TarInfo, bytes], **settings: Any) -> Callable[[], bytes]:
    def make() -> bytes:
        archive = Archive.of(*(tar_with(link) for link in links))
        archive.config["config"] |= settings
        return archive.bytes()

    return make


def _repeated_layer() -> bytes:
    """1 MiB, named six times: the engine would unpack it six times."""
    layer = tar_of({"block": random.Random(0).randbytes(MIB)})
    archive = Archive.of(layer)
    archive.diff_ids *= 6
    archive.manifest = [{"Config": "config.json", "RepoTags": [], "Layers": archive.names * 6}]
    return archive.bytes()


def _repeated_files() -> bytes:
    """300 files, twice."""
    archive = Archive.of(tar_of({str(number): b"" for number in range(300)}))
    archive.diff_ids *= 2
    archive.manifest = [{"Config": "config.json", "RepoTags": [], "Layers": archive.names * 2}]
    return archive.bytes()


def _packed_layer(compress: Callable[[bytes], bytes]) -> Callable[[], bytes]:
    """The diff_id is that of the compressed bytes, so the digest is right; the engine would unpack before it looks."""
    return lambda: Archive.of(compress(LAYER)).bytes()


def _twice_packed() -> bytes:
    """A gzip file is also a tar: its header lies in the extra field. It unpacks to itself, as it were."""
    inner = gzipped(LAYER)
    archive = Archive.of(inner)
    archive.layers = [gzipped(inner)]
    return archive.bytes()


def _polyglot() -> bytes:
    """Inside gzip, a tar whose first entry is named like a gzip file: the engine would unpack once more."""
    name = b"\x1f\x8b\x08\x04"
    header = spoilt_header(tarfile.TarInfo("x"), {0: name + bytes(96)})
    layer = header + bytes(1024)
    archive = Archive.of(layer)
    archive.layers = [gzipped(layer)]
    return archive.bytes()


def _window(log: int) -> bytes:
    """A zstd frame that claims a window of 2 ** log bytes, and holds one short raw block."""
    return b"\x28\xb5\x2f\xfd" + bytes([0x00, (log - 10) << 3]) + struct.pack("<I", 1 | 4 << 3)[:3] + b"abcd"


def _other_config(archive: Archive) -> bytes:
    """Honest bytes are checked, these would be loaded: a config that claims somebody else's layers."""
    stolen = {"rootfs": {"type": "layers", "diff_ids": ["sha256:" + "0" * 64] * 2}}
    return json.dumps(archive.config | stolen).encode()


def _twice(name: str, content: Callable[[Archive], bytes]) -> Callable[[], bytes]:
    return spoilt(lambda archive: archive.add(name, content(archive)))


NUL_NAME = "a\0b"

REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    # the file itself
    "empty": (lambda: b"", "the archive is empty"),
    "not a tar": (lambda: b"MZ" + bytes(5000), "the archive is not a tar"),
    "text": (lambda: b"FROM debian\n" * 100, "the archive is not a tar"),
    "truncated": (lambda: honest().bytes()[:1300], "cut off"),
    "truncated gzip": (lambda: gzipped(honest().bytes())[:-30], "cut off"),
    "damaged gzip": (lambda: gzipped(honest().bytes())[:60] + b"\xff" * 100, "the archive is damaged"),
    "gzip with a wrong checksum": (lambda: gzipped(honest().bytes())[:-8] + bytes(8), "the archive is damaged"),
    "gzip with something behind it": (lambda: gzipped(honest().bytes()) + b"more", "the archive is damaged"),
    "truncated zstd": (lambda: zstd(honest().bytes())[:-200], "save"),
    "damaged zstd": (lambda: zstd(honest().bytes())[:60] + b"\xff" * 100, "the archive is damaged"),
    "xz outside": (lambda: lzma.compress(honest().bytes()), "compressed with xz; leave it as it is"),
    "bzip2 outside": (lambda: bz2.compress(honest().bytes()), "compressed with bzip2"),
    "a zip": (lambda: b"PK\x03\x04" + bytes(2000), "compressed with zip"),
    "a second tar behind the first": (lambda: honest().bytes() * 2, "goes on after its end"),
    "a lone block of zeros": (lambda: LAYER[:1024] + bytes(512) + LAYER, "lone block of zeros"),
    # its entries
    "the config twice": (_twice("config.json", _other_config), "'config.json' is there twice"),
    "the config twice, spelt otherwise": (_twice("./x/../config.json", _other_config), "is there twice"),
    "the config twice, with a dot": (_twice("./config.json", _other_config), "'config.json' is there twice"),
    "a layer twice": (_twice("layer0/layer.tar", lambda a: b"garbage"), "is there twice"),
    "a file that is a link as well": (
        spoilt(lambda a: a.add("layer0/layer.tar", type=tarfile.SYMTYPE, linkname="../layer1/layer.tar")),
        "is there twice",
    ),
    "a path that leaves": (spoilt(lambda a: a.add("../../etc/cron.d/evil", b"x")), "leaves the archive"),
    "a path that leaves later": (spoilt(lambda a: a.add("a/../../b", b"x")), "leaves the archive"),
    "an absolute path": (spoilt(lambda a: a.add("/etc/cron.d/evil", b"x")), "leaves the archive"),
    "a link out of the archive": (
        spoilt(lambda a: a.add("up", type=tarfile.SYMTYPE, linkname="/etc/passwd")),
        "entry 'up' is a symbolic link that leaves the archive",
    ),
    "a link up and out": (
        spoilt(lambda a: a.add("a/up", type=tarfile.SYMTYPE, linkname="../../etc/passwd")),
        "entry 'a/up' is a symbolic link that leaves the archive",
    ),
    "a hard link": (spoilt(lambda a: a.add("x", type=tarfile.LNKTYPE, linkname="config.json")), "neither file nor"),
    "a device": (spoilt(lambda a: a.add("x", type=tarfile.BLKTYPE, devmajor=8)), "neither file nor directory"),
    "a FIFO": (spoilt(lambda a: a.add("x", type=tarfile.FIFOTYPE)), "neither file nor directory"),
    "too many entries": (spoilt(lambda a: [a.add(f"{number}") for number in range(2001)]), "more than 2000 entries"),
    "a header of 6 GiB": (lambda: gzipped(huge_header(tarfile.XHDTYPE)), "absurd size"),
    "a global header of 6 GiB": (lambda: huge_header(tarfile.XGLTYPE), "absurd size"),
    "a name of 6 GiB": (lambda: huge_header(tarfile.GNUTYPE_LONGNAME), "absurd size"),
    "a link name of 6 GiB": (lambda: huge_header(tarfile.GNUTYPE_LONGLINK), "absurd size"),
    "a chain of headers": (lambda: pax_header(record("comment", b"x")) * 3000, "more than one header"),
    "a name of 5000 bytes": (spoilt(lambda a: a.add("x/" * 2500 + "y")), "too long for a file system"),
    # what it describes
    "neither manifest": (lambda: tar_of({"repositories": b"{}"}), "neither manifest.json nor index.json"),
    "manifest is not JSON": (lambda: tar_of({"manifest.json": b"[{"}), "not JSON"),
    "manifest nested too deep": (lambda: tar_of({"manifest.json": b"[" * 200_000}), "not JSON"),
    "manifest in UTF-16": (lambda: tar_of({"manifest.json": "[{}]".encode("utf-16")}), "no JSON"),
    "manifest is no list": (_manifest({}), "exactly one image"),
    "manifest of two": (_manifest(_one() * 2), "exactly one image, not 2; save one image at a time"),
    "manifest of none": (_manifest([]), "exactly one image"),
    "manifest without Config": (_manifest([{"Layers": []}]), "no Config or Layers"),
    "manifest of numbers": (_manifest([1]), "does not describe an image"),
    "config is missing": (_manifest(_one(Config="nowhere.json")), "missing from the archive ('nowhere.json')"),
    "config is a layer": (_manifest(_one(Config="layer0/layer.tar")), "the config is no JSON"),
    "config elsewhere": (_manifest(_one(Config="../../etc/passwd")), "the config is missing"),
    "config is a list": (_config_bytes(lambda a: b"[]"), "does not describe an image"),
    "config is packed": (_config_bytes(lambda a: gzipped(honest().config_bytes())), "the config is no JSON"),
    "config of 600 kB": (_config(x="x" * 600_000), "at most 512 KiB are allowed"),
    "config of 3 MB": (_config(x="x" * 3_000_000), "at most 512 KiB are allowed"),
    "a megabyte of labels": (_config(config={"Cmd": ["x"], "Labels": {"a": "x" * 1_000_000}}), "make LABEL"),
    "a field twice": (_stolen_twin("rootfs"), "the config says something twice"),
    "a field in other letters": (_stolen_twin("RootFS"), "says 'RootFS' where 'rootfs' is meant"),
    "a field in letters that Go folds": (_stolen_twin("rootfſ"), "where 'rootfs' is meant"),
    "an inner field twice": (_stolen_diff_ids("diff_ids"), "says something twice"),
    "an inner field in other letters": (_stolen_diff_ids("Diff_IDs"), "where 'diff_ids' is meant"),
    "not a number": (_config_bytes(lambda a: honest().config_bytes()[:-1] + b', "x": NaN}'), "not JSON"),
    "a setting in other letters": (_config(config={"Cmd": ["x"], "volumes": {"/": {}}}), "'Volumes' is meant"),
    "for Windows": (_config(os="windows"), "is made for 'windows', and not for linux"),
    "for no system": (_config(os=None), "not for linux"),
    "for another processor": (_config(architecture="arm64"), "build it with `--platform linux/amd64`"),
    "for a processor by another name": (_config(architecture="x86_64"), "is made for 'x86_64'"),
    "for no processor": (_config(architecture=""), "is made for ''"),
    "nothing to run": (_config(config={}), "neither ENTRYPOINT nor CMD; say in its Dockerfile"),
    "no settings": (_config(config=None), "neither ENTRYPOINT nor CMD"),
    "settings that are none": (_config(config=[1]), "does not describe an image"),
    "no rootfs": (_config_bytes(lambda a: json.dumps(honest().config).encode()), "does not describe an image"),
    "a rootfs of another kind": (
        _config_bytes(lambda a: honest().config_bytes().replace(b'"layers"', b'"layer"')),
        "another number of layers",
    ),
    # its layers
    "a layer is missing": (_manifest(_one(Layers=["layer0/layer.tar", "gone"])), "layer 2 of 2 is missing"),
    "layers are no names": (_manifest(_one(Layers=[["x"], {}])), "no Config or Layers"),
    "no layers": (lambda: Archive.of().bytes(), "has 0 layers"),
    "fewer layers than digests": (_manifest(_one(Layers=["layer0/layer.tar"])), "another number of layers"),
    "layers swapped": (_manifest(_one(Layers=honest().names[::-1])), "layer 1 of 2 is not what the config says"),
    "garbage under a known digest": (
        spoilt(lambda a: a.layers.__setitem__(0, b"garbage" * 100)),
        "layer 1 of 2 is not what the config says",
    ),
    "a damaged gzip layer": (spoilt(lambda a: a.layers.__setitem__(0, gzipped(LAYER)[:-9])), "layer 1 of 2 is cut off"),
    "a spoilt gzip layer": (
        spoilt(lambda a: a.layers.__setitem__(0, gzipped(LAYER)[:20] + b"\xff" * 40)),
        "layer 1 of 2 is damaged",
    ),
    "a spoilt zstd layer": (
        spoilt(lambda a: a.layers.__setitem__(0, zstd(LAYER)[:20] + b"\xff" * 40)),
        "layer 1 of 2 is",
    ),
    "a layer that is no tar": (lambda: Archive.of(b"no tar at all" * 100).bytes(), "layer 1 of 1 is not a tar"),
    "a layer of nothing": (lambda: Archive.of(b"").bytes(), "layer 1 of 1 is empty"),
    "too many layers": (lambda: Archive.of(*[LAYER] * 9).bytes(), "has 9 layers; at least 1 and at most 8 are allowed"),
    "an xz layer": (_packed_layer(lzma.compress), "layer 1 of 1 is compressed with xz"),
    "a bzip2 layer": (_packed_layer(bz2.compress), "layer 1 of 1 is compressed with bzip2"),
    "a gzip layer under its packed digest": (_packed_layer(gzipped), "not what the config says"),
    "a zstd layer under its packed digest": (_packed_layer(zstd), "not what the config says"),
    "a layer packed twice": (_twice_packed, "compressed file inside a compressed file"),
    "a layer that is a tar and gzip": (_polyglot, "compressed file inside a compressed file"),
    "a WORKDIR that is a link into /proc": (
        _linked(symlink("app", "x"), symlink("x", "/proc/self/fd/8"), WorkingDir="/app"),
        "WORKDIR '/app' leads to a place of the kernel",
    ),
    "a VOLUME that is a link into /sys": (
        _linked(symlink("data", "sys/fs"), Volumes={"/data/": {}}), "VOLUME '/data/' leads to a place of the kernel"
    ),
    "a /tmp that is a link into /dev": (_linked(symlink("tmp", "dev/../dev")), "'/tmp' leads to a place of the kernel"),
    "a /proc that is a link": (_linked(symlink("proc", "srv")), "/proc is a symbolic link"),
    # its measure
    "a layer that unpacks too far": (lambda: bomb(gzipped, 8 * MIB), "unpacks to more than 4.0 MiB"),
    "a zstd layer that unpacks too far": (lambda: bomb(zstd, 8 * MIB), "unpacks to more than 4.0 MiB"),
    "a layer named six times": (_repeated_layer, "its layers unpack to more than 4.0 MiB"),
    "a bomb around it all": (lambda: gzipped(tar_of({"zeros": bytes(200 * MIB)})), "unpacks to more than"),
    "too many files": (lambda: Archive.of(tar_of({str(n): b"" for n in range(501)})).bytes(), "more than 500 files"),
    "too many directories that no entry names": (
        lambda: Archive.of(tar_of({f"{number}" + "/d" * 300: b"" for number in range(2)})).bytes(),
        "more than 500 files",
    ),
    "too many files, by naming a layer twice": (_repeated_files, "hold more than 500 files"),
    "a zstd window of 1 GiB": (lambda: _window(30), "zstd window over 128 MiB; compress it without --long"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, tmp_path: Path) -> None:
    make, says = REFUSED[name]
    found = refusal(make(), tmp_path, LIMITS)
    assert says in str(found)
    assert found.reason
    assert found.remedy
    assert len(str(found)) < 500


def _oci(change: Callable[[OciArchive], Any]) -> Callable[[], bytes]:
    def make() -> bytes:
        made = OciArchive.of(honest())
        change(made)
        return made.bytes()

    return make


def _two_platforms(made: OciArchive) -> None:
    for name in ("amd64", "arm64"):
        made.manifests.append(made.manifests[0] | {"platform": {"os": "linux", "architecture": name}})
    del made.manifests[0]


def _swap_blob(made: OciArchive) -> None:
    name = next(name for name, content in made.files.items() if content == LAYER)
    made.files[name] = OTHER


REFUSED_OCI: dict[str, tuple[Callable[[], bytes], str]] = {
    "no oci-layout": (lambda: tar_of({"index.json": b"{}"}), "oci-layout is missing"),
    "another version": (_oci(lambda a: a.files.update({"oci-layout": b'{"imageLayoutVersion": "2"}'})), "no version"),
    "an index of nothing": (_oci(lambda a: a.manifests.clear()), "index.json lists no image"),
    "an index of numbers": (_oci(lambda a: a.manifests.__setitem__(0, 7)), "no manifest"),  # type: ignore[call-overload]
    "two images": (_oci(lambda a: a.manifests.append(a.manifests[0])), "must list exactly one image, not 2"),
    "two platforms": (_oci(_two_platforms), "several platforms (linux/amd64, linux/arm64); build it for one platform"),
    "two platforms inside": (_oci(lambda a: (_two_platforms(a), a.nest())), "the inner index lists several platforms"),
    "an index in an index in an index": (_oci(lambda a: a.nest().nest()), "nested too deep"),
    "an artifact that looks like an image": (
        lambda: OciArchive.of(honest(), artifactType="application/vnd.cncf.helm.config.v1+json").bytes(),
        "is of a kind that is not taken ('application/vnd.cncf.helm.config.v1+json'); upload a container image",
    ),
    "a manifest that is missing": (_oci(lambda a: a.manifests[0].update(digest="sha256:" + "1" * 64)), "is missing"),
    "a manifest of another size": (_oci(lambda a: a.manifests[0].update(size=1)), "digest or size differ"),
    "sha512": (_oci(lambda a: a.manifests[0].update(digest="sha512:" + "1" * 128)), "something else than sha256"),
    "a path for a digest": (_oci(lambda a: a.manifests[0].update(digest="sha256:../../etc")), "else than sha256"),
    "no digest": (_oci(lambda a: a.manifests[0].pop("digest")), "lacks 'digest'"),
    "another blob under the digest": (_oci(_swap_blob), "layer 1 of 2 is not what its descriptor says"),
    "an artifact": (
        lambda: OciArchive.of(honest(), config={"mediaType": "application/vnd.oci.empty.v1+json"}).bytes(),
        "the config is of a kind that is not taken ('application/vnd.oci.empty.v1+json')",
    ),
    "a manifest without layers": (lambda: OciArchive.of(honest(), layers=None).bytes(), "the manifest lacks 'layers'"),
    "a layer elsewhere": (
        lambda: OciArchive.of(honest(), layers=[
            {"mediaType": f"{OCI}layer.v1.tar", "digest": "sha256:" + "2" * 64, "size": 5,
             "urls": ["https://example.org/layer"]}]).bytes(),
        "layer 1 of 1 is missing from the archive",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED_OCI)
def test_refused_in_an_oci_layout(name: str, tmp_path: Path) -> None:
    make, says = REFUSED_OCI[name]
    found = refusal(make(), tmp_path, LIMITS)
    assert says in str(found)
    assert found.remedy


def test_a_name_made_of_a_digest_must_be_that_digest(tmp_path: Path) -> None:
    made = OciArchive.of(honest())
    config = next(name for name, content in made.files.items() if b"rootfs" in content)
    blobs = [name for name, content in made.files.items() if content in (LAYER, OTHER)]
    made.files["manifest.json"] = json.dumps([{"Config": config, "Layers": blobs}]).encode()
    made.files[config] = made.files[config].replace(b"/true", b"/evil")
    assert "the config is not what its name says" in str(refusal(made.bytes(), tmp_path, LIMITS))
