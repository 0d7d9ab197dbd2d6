"""Image archives for tests: as `docker save` or an OCI tool writes them, or with one thing wrong."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zstandard

from sandbox import BadImage, Limits
from sandbox.image.admission import inspect

MIB = 1024 * 1024

OCI = "application/vnd.oci.image."


def tar_of(files: dict[str, bytes]) -> bytes:
    """An uncompressed tar, e.g. a layer."""
    return tar_with(*(entry(name, content) for name, content in files.items()))


def entry(name: str, content: bytes = b"", **header: Any) -> tuple[tarfile.TarInfo, bytes]:
    """One entry of a tar: a file, or what its header says."""
    made = tarfile.TarInfo(name)
    made.size, made.mode = len(content), 0o755
    for field, value in header.items():
        setattr(made, field, value)
    return made, content


def symlink(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return entry(name, type=tarfile.SYMTYPE, linkname=target)


def hard_link(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return entry(name, type=tarfile.LNKTYPE, linkname=target)


def device(name: str, kind: bytes, major: int, minor: int) -> tuple[tarfile.TarInfo, bytes]:
    return entry(name, type=kind, devmajor=major, devminor=minor)


def tar_with(*entries: tuple[tarfile.TarInfo, bytes], dialect: int = tarfile.PAX_FORMAT) -> bytes:
    """An uncompressed tar of these entries."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=dialect) as tar:
        for made, content in entries:
            tar.addfile(made, io.BytesIO(content))
    return packed.getvalue()


def spoilt_header(made: tarfile.TarInfo, changes: dict[int, bytes], dialect: int = tarfile.USTAR_FORMAT) -> bytes:
    """A header with other bytes at some places, and its checksum right again."""
    block = bytearray(made.tobuf(dialect))
    for place, content in changes.items():
        block[place : place + len(content)] = content
    block[148:156] = b" " * 8
    block[148:156] = f"{sum(block[:512]):06o}\0 ".encode()
    return bytes(block)


def pax_header(records: bytes, kind: bytes = tarfile.XHDTYPE) -> bytes:
    """An extended header of exactly these records, for the entry that follows."""
    made = tarfile.TarInfo("pax")
    made.type, made.size = kind, len(records)
    return made.tobuf(tarfile.USTAR_FORMAT) + records + bytes(-len(records) % 512)


def record(key: str, value: bytes) -> bytes:
    """One record of an extended header."""
    rest = f" {key}=".encode() + value + b"\n"
    length = len(rest)
    while len(str(length)) + len(rest) != length:
        length = len(str(length)) + len(rest)
    return str(length).encode() + rest


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclasses.dataclass
class Archive:
    """The parts of an image archive, each of which a test may spoil before it writes it."""

    layers: list[bytes]
    diff_ids: list[str]
    names: list[str]
    config: dict[str, Any]
    tags: list[str]
    extra: list[tuple[tarfile.TarInfo, bytes]] = dataclasses.field(default_factory=list)
    manifest: Any = None

    @classmethod
    def of(cls, *layers: bytes, command: tuple[str, ...] = ("/true",), tags: tuple[str, ...] = ()) -> Archive:
        """An honest archive of these layers."""
        return cls(
            layers=list(layers),
            diff_ids=[digest_of(layer) for layer in layers],
            names=[f"layer{number}/layer.tar" for number in range(len(layers))],
            config={"architecture": "amd64", "os": "linux", "config": {"Cmd": list(command)}},
            tags=list(tags),
        )

    def add(self, name: str, content: bytes = b"", **header: Any) -> Archive:
        """One more entry, at the beginning."""
        self.extra.append(entry(name, content, **header))
        return self

    def config_bytes(self) -> bytes:
        return json.dumps(self.config | {"rootfs": {"type": "layers", "diff_ids": self.diff_ids}}).encode()

    def bytes(self) -> bytes:
        manifest = self.manifest
        if manifest is None:
            manifest = [{"Config": "config.json", "RepoTags": self.tags, "Layers": self.names}]
        files = dict(zip(self.names, self.layers, strict=True))
        files |= {"config.json": self.config_bytes(), "manifest.json": json.dumps(manifest).encode()}
        return tar_with(*self.extra, *(entry(name, content) for name, content in files.items()))

    def write(self, path: Path) -> Path:
        path.write_bytes(self.bytes())
        return path


@dataclasses.dataclass
class OciArchive:
    """An OCI image layout in a tar: blobs under their digests, and an index that a test may change."""

    files: dict[str, bytes] = dataclasses.field(default_factory=dict)
    manifests: list[dict[str, Any]] = dataclasses.field(default_factory=list)

    @classmethod
    def of(cls, archive: Archive, layer_type: str = "layer.v1.tar", **manifest: Any) -> OciArchive:
        """The same image as `archive`, whose layers may be compressed."""
        made = cls()
        made.manifests.append(made.put_image(archive, layer_type, **manifest))
        return made

    def put(self, content: bytes, media_type: str, **more: Any) -> dict[str, Any]:
        """Adds a blob and returns its descriptor."""
        digest = digest_of(content)
        self.files[f"blobs/sha256/{digest[7:]}"] = content
        return {"mediaType": media_type, "digest": digest, "size": len(content)} | more

    def put_image(self, archive: Archive, layer_type: str = "layer.v1.tar", **manifest: Any) -> dict[str, Any]:
        described = {
            "schemaVersion": 2,
            "mediaType": f"{OCI}manifest.v1+json",
            "config": self.put(archive.config_bytes(), f"{OCI}config.v1+json"),
            "layers": [self.put(layer, OCI + layer_type) for layer in archive.layers],
        }
        return self.put_json(described | manifest, "manifest.v1+json")

    def put_json(self, described: Any, kind: str, **more: Any) -> dict[str, Any]:
        return self.put(json.dumps(described).encode(), OCI + kind, **more)

    def nest(self) -> OciArchive:
        """Puts the index into another, as `docker save` of newer engines and `buildx` do."""
        self.manifests = [self.put_json({"schemaVersion": 2, "manifests": self.manifests}, "index.v1+json")]
        return self

    def bytes(self) -> bytes:
        index = {"schemaVersion": 2, "manifests": self.manifests}
        files = {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}', "index.json": json.dumps(index).encode()}
        return tar_of(files | self.files)

    def write(self, path: Path) -> Path:
        path.write_bytes(self.bytes())
        return path


def gzipped(content: bytes) -> bytes:
    return gzip.compress(content, compresslevel=1)


def zstd(content: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(content)


LAYER = tar_of({"true": b"#!/bin/true\n"})
OTHER = tar_of({"other": b"something else"})


def honest(pack: Callable[[bytes], bytes] = bytes) -> Archive:
    """An image with nothing wrong, of LAYER and OTHER."""
    archive = Archive.of(LAYER, OTHER, tags=("team/model:1",))
    archive.layers = [pack(layer) for layer in archive.layers]
    return archive


def bomb(pack: Callable[[bytes], bytes], length: int) -> bytes:
    """An archive whose layer is `length` zeros, packed."""
    zeros = tar_of({"zeros": bytes(length)})
    archive = Archive.of(zeros)
    archive.layers = [pack(zeros)]
    return archive.bytes()


def huge_header(kind: bytes) -> bytes:
    """A header before an entry that claims 6 GiB for itself."""
    made = tarfile.TarInfo("long")
    made.type, made.size = kind, 6 * 1024 * MIB
    return made.tobuf(tarfile.USTAR_FORMAT) + bytes(MIB)


def many_headers(count: int, **header: Any) -> bytes:
    """A tar of so many empty entries, numbered at the beginning of their names: `tarfile` would take minutes."""
    made, _ = entry("0" * 7 + "x" * 90, **header)
    block = made.tobuf(tarfile.USTAR_FORMAT)
    rest = sum(block[7:148]) + 8 * 0x20 + sum(block[156:])
    numbers = (b"%07d" % number for number in range(count))
    return b"".join(
        number + block[7:148] + b"%06o\0 " % (rest + sum(number)) + block[156:] for number in numbers
    ) + bytes(1024)  # fmt: skip


def refusal(content: bytes, folder: Path, limits: Limits) -> BadImage:
    """Why this archive is not accepted; fails if it is."""
    path = folder / "model.tar"
    path.write_bytes(content)
    try:
        inspect(path, limits, architecture="amd64")
    except BadImage as error:
        return error
    raise AssertionError("it is accepted")
