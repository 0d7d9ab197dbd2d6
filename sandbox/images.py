"""Image tars from strangers: looked at before anything reaches the engine, loaded under a name of ours, removed.

`docker load` trusts the archive: it ignores the bytes of a layer whose claimed digest it already has (so a forged
archive reads another team's layer), and it moves any name the archive claims. So every layer is hashed here first,
the manifest is rewritten, and images are only ever run by ID.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import hashlib
import io
import json
import posixpath
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

import zstandard
from docker.errors import ImageNotFound

from sandbox.engine import connect, engine_errors, find_image
from sandbox.errors import BadImage
from sandbox.limits import Limits
from sandbox.verdicts import size

UPLOADS = "parakh/upload"
"""Repository of the images of uploads; the tag is the id of the run."""

_CHUNK = 1024 * 1024
_MAX_JSON = 4 * 1024 * 1024
_MAX_KEPT = 4 * _MAX_JSON
"""For all descriptions of an archive together: there may be thousands of small entries."""
_MAX_HEADER = 1024 * 1024
_MAX_ENTRIES = 2_000
_UNCHECKED_COMPRESSION = (b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd")
"""bzip2, xz, zstd: the engine would unpack such a layer before it compares digests, to any size."""


@dataclasses.dataclass(frozen=True, slots=True)
class ImageTar:
    """An acceptable image archive.

    Attributes:
        path: the archive.
        config: name of the config in it.
        layers: names of the layers in it, lowest first.
        unpacked_bytes: of all layers together.
    """

    path: Path
    config: str
    layers: tuple[str, ...]
    unpacked_bytes: int


@dataclasses.dataclass(frozen=True, slots=True)
class _Entry:
    """One file of the archive: digest and length after gunzip, and the content if it may be JSON."""

    digest: str
    unpacked_bytes: int
    content: bytes | None


class _Header(tarfile.TarInfo):
    """tarfile reads the records of long names into memory, whatever their size: a bomb of a few kB."""

    _RECORDS = frozenset({b"x", b"g", b"X", b"L", b"K"})

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Header:
        header = super().frombuf(buf, encoding, errors)
        if header.type in cls._RECORDS and header.size > _MAX_HEADER:
            raise BadImage("the archive has a header of absurd size; make it with `docker save`")
        return header


def inspect(path: Path, limits: Limits) -> ImageTar:
    """Checks a `docker save` archive (.tar, .tar.gz, .tar.zst) in one pass and with bounded memory.

    Raises:
        BadImage: what is wrong with it, naming the entry, and the remedy.
    """
    packed = path.stat().st_size
    if packed > limits.image_packed_bytes:
        raise BadImage(f"the archive has {size(packed)}; at most {size(limits.image_packed_bytes)} are allowed")
    entries: dict[str, _Entry] = {}
    links: dict[str, str] = {}
    budget = limits.image_unpacked_bytes
    kept = 0
    with _opened(path) as tar:
        for count, member in enumerate(tar):
            name = posixpath.normpath(member.name)
            if count >= _MAX_ENTRIES:
                raise BadImage(f"the archive has more than {_MAX_ENTRIES} entries; make it with `docker save`")
            if name.startswith(("/", "../")) or name == "..":
                raise BadImage(f"entry {member.name!r} leaves the archive; make it with `docker save`")
            if name in entries or name in links:
                # What is checked and what is loaded must be the same bytes.
                raise BadImage(f"entry {member.name!r} is there twice; make the archive with `docker save`")
            if member.issym():
                links[name] = posixpath.normpath(posixpath.join(posixpath.dirname(name), member.linkname))
            elif member.isreg() and not member.issparse():
                content = tar.extractfile(member)
                assert content is not None
                entry = entries[name] = _read_entry(name, content, budget, limits, keep=kept < _MAX_KEPT)
                budget -= entry.unpacked_bytes
                kept += len(entry.content or b"")
            elif not member.isdir():
                raise BadImage(f"entry {member.name!r} is neither file nor directory; make it with `docker save`")
    return _check(path, entries, links, limits)


def load(tar: ImageTar, run_id: str) -> str:
    """Loads an inspected archive for a run and returns the ID of the image; `remove` it afterwards.

    Raises:
        BadImage: the engine refuses the archive.
        SandboxUnavailable: the engine failed.
    """
    tag = f"{UPLOADS}:{run_id}"
    client = connect()
    with contextlib.closing(client), engine_errors("loading an image"):
        client.api.load_image(_rewritten(tar, tag), quiet=True)  # type: ignore[no-untyped-call]
        try:
            image = client.images.get(tag)
        except ImageNotFound as error:
            raise BadImage("the engine did not accept the archive; make it with `docker save IMAGE`") from error
        return str(image.id)


def remove(run_id: str) -> None:
    """Removes what `load` loaded for a run; does nothing where it is gone already.

    Only the run's own name is taken away, and the image with its last name: another run may use the same image, and
    an upload may be a copy of one of our own.

    Raises:
        SandboxUnavailable: the engine failed.
    """
    client = connect()
    with contextlib.closing(client), engine_errors("removing an image"), contextlib.suppress(ImageNotFound):
        client.images.remove(f"{UPLOADS}:{run_id}")


def image_bytes(reference: str) -> int:
    """Unpacked size of an image the engine has.

    Raises:
        BadImage: it has no such image.
        SandboxUnavailable: the engine failed.
    """
    client = connect()
    with contextlib.closing(client):
        return int(find_image(client, reference).attrs["Size"])


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    """The archive as a stream, whatever it is compressed with."""
    with contextlib.ExitStack() as stack:
        raw = stack.enter_context(path.open("rb"))
        start = raw.read(4)
        raw.seek(0)
        source: IO[bytes] = raw
        if start[:2] == b"\x1f\x8b":
            source = cast("IO[bytes]", stack.enter_context(gzip.GzipFile(fileobj=raw)))
        elif start == b"\x28\xb5\x2f\xfd":
            source = cast("IO[bytes]", stack.enter_context(zstandard.ZstdDecompressor().stream_reader(raw)))
        try:
            yield stack.enter_context(tarfile.open(fileobj=source, mode="r|", tarinfo=_Header))
        except (
            tarfile.TarError,
            EOFError,
            OSError,
            zstandard.ZstdError,
            zlib.error,
            ValueError,
            RecursionError,
        ) as error:
            raise BadImage(f"the file is not a whole tar archive ({error}); make it with `docker save`") from error


def _read_entry(name: str, packed: IO[bytes], budget: int, limits: Limits, keep: bool) -> _Entry:
    """Hashes one file, gunzipped if it is gzip; keeps it if it is small and may be JSON."""
    source = io.BufferedReader(cast("io.RawIOBase", packed), _CHUNK)
    start = source.peek(8)[:8]
    if start.startswith(_UNCHECKED_COMPRESSION):
        raise BadImage(f"entry {name!r} is compressed with something else than gzip; make it with `docker save`")
    unpacked = gzip.GzipFile(fileobj=source) if start[:2] == b"\x1f\x8b" else source
    digest, total = hashlib.sha256(), 0
    kept = bytearray()
    keep = keep and start[:1] in (b"{", b"[")
    try:
        while chunk := unpacked.read(_CHUNK):
            total += len(chunk)
            if total > budget:
                raise BadImage(_too_large(f"entry {name!r} and those before it unpack", limits))
            digest.update(chunk)
            keep = keep and total <= _MAX_JSON
            if keep:
                kept += chunk
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadImage(f"entry {name!r} is damaged ({error}); save and upload the image again") from error
    return _Entry(digest.hexdigest(), total, bytes(kept) if keep else None)


def _too_large(what: str, limits: Limits) -> str:
    return f"{what} to more than {size(limits.image_unpacked_bytes)}; make the image smaller"


def _check(path: Path, entries: dict[str, _Entry], links: dict[str, str], limits: Limits) -> ImageTar:
    """Every layer must be what the config says it is."""
    manifest = _json(entries, "manifest.json", "the archive has no manifest.json; make it with `docker save IMAGE`")
    if not isinstance(manifest, list) or len(manifest) != 1:
        raise BadImage("the archive must hold exactly one image; save them one by one with `docker save IMAGE`")
    described = manifest[0] if isinstance(manifest[0], dict) else {}
    config_name, layer_names = described.get("Config"), described.get("Layers")
    if not isinstance(config_name, str) or not isinstance(layer_names, list):
        raise BadImage("manifest.json names no Config or Layers; make the archive with `docker save`")
    if len(layer_names) > limits.image_layers:
        raise BadImage(
            f"the image has {len(layer_names)} layers; at most {limits.image_layers} are allowed. "
            "Join RUN lines, or flatten it with `docker export | docker import`"
        )
    config = _json(entries, posixpath.normpath(config_name), f"config {config_name!r} is missing from the archive")
    rootfs = config.get("rootfs") if isinstance(config, dict) else None
    diff_ids = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    if not isinstance(diff_ids, list) or len(diff_ids) != len(layer_names):
        raise BadImage("the config and manifest.json do not name the same number of layers; save the image again")
    layers = []
    for layer_name, diff_id in zip(layer_names, diff_ids, strict=True):
        found = posixpath.normpath(str(layer_name))
        found = links.get(found, found)
        entry = entries.get(found)
        if entry is None:
            raise BadImage(f"layer {layer_name!r} is missing from the archive; save the image again")
        if diff_id != f"sha256:{entry.digest}":
            raise BadImage(f"layer {layer_name!r} is not what the config says it is; save the image again")
        layers.append(found)
    # A layer may be named many times, and the engine unpacks it each time.
    unpacked = sum(entries[name].unpacked_bytes for name in layers)
    if unpacked > limits.image_unpacked_bytes:
        raise BadImage(_too_large("its layers unpack", limits))
    return ImageTar(path, posixpath.normpath(config_name), tuple(layers), unpacked)


def _json(entries: dict[str, _Entry], name: str, missing: str) -> Any:
    entry = entries.get(name)
    if entry is None:
        raise BadImage(missing)
    if entry.content is None:
        raise BadImage(f"{name!r} is no JSON, or larger than {size(_MAX_JSON)}; make the archive with `docker save`")
    try:
        return json.loads(entry.content)
    except (ValueError, RecursionError) as error:
        raise BadImage(f"{name!r} is not JSON; make the archive with `docker save`") from error


def _rewritten(tar: ImageTar, tag: str) -> Iterator[bytes]:
    """The archive for the engine: only the config and the layers, under names of ours."""
    ours = {name: f"{number:03d}.tar" for number, name in enumerate(dict.fromkeys(tar.layers))}
    ours[tar.config] = "config.json"
    manifest = [{"Config": "config.json", "RepoTags": [tag], "Layers": [ours[name] for name in tar.layers]}]
    with _opened(tar.path) as source:
        for member in source:
            name = ours.get(posixpath.normpath(member.name))
            if name is not None and member.isreg():
                yield _header(name, member.size)
                content = source.extractfile(member)
                assert content is not None
                while chunk := content.read(_CHUNK):
                    yield chunk
                yield b"\0" * (-member.size % tarfile.BLOCKSIZE)
    body = json.dumps(manifest).encode()
    yield _header("manifest.json", len(body)) + body + b"\0" * (-len(body) % tarfile.BLOCKSIZE + tarfile.RECORDSIZE)


def _header(name: str, length: int) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = length, 0o444
    return entry.tobuf(tarfile.PAX_FORMAT)
