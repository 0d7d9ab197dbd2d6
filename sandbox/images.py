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
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

import zstandard
from docker.errors import ImageNotFound

from sandbox.engine import connect, engine_errors
from sandbox.errors import BadImage
from sandbox.limits import Limits
from sandbox.verdicts import size

_CHUNK = 1024 * 1024
_MAX_JSON = 4 * 1024 * 1024
_MAX_ENTRIES = 2_000


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
    """One file of the archive: digests of its bytes as they are and after gunzip."""

    digest: str
    unpacked_digest: str
    unpacked_bytes: int
    content: bytes | None


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
    with _opened(path) as tar:
        for count, member in enumerate(tar):
            name = posixpath.normpath(member.name)
            if count >= _MAX_ENTRIES:
                raise BadImage(f"the archive has more than {_MAX_ENTRIES} entries; make it with `docker save`")
            if name.startswith(("/", "../")) or name == "..":
                raise BadImage(f"entry {member.name!r} leaves the archive; make it with `docker save`")
            if member.issym():
                links[name] = posixpath.normpath(posixpath.join(posixpath.dirname(name), member.linkname))
            elif member.isreg():
                content = tar.extractfile(member)
                assert content is not None
                entries[name] = _read_entry(name, content, member.size, budget, limits)
                budget -= entries[name].unpacked_bytes
            elif not member.isdir():
                raise BadImage(f"entry {member.name!r} is neither file nor directory; make it with `docker save`")
    return _check(path, entries, links, limits)


def load(tar: ImageTar) -> str:
    """Loads an inspected archive and returns the ID of the image; `remove` it afterwards.

    Raises:
        BadImage: the engine refuses the archive.
        SandboxUnavailable: the engine failed.
    """
    tag = f"parakh/upload:{uuid.uuid4().hex}"
    client = connect()
    with contextlib.closing(client), engine_errors("loading an image"):
        client.api.load_image(_rewritten(tar, tag))  # type: ignore[no-untyped-call]
        try:
            image = client.images.get(tag)
        except ImageNotFound as error:
            raise BadImage("the engine did not accept the archive; make it with `docker save IMAGE`") from error
        return str(image.id)


def remove(image_id: str) -> None:
    """Removes an image that `load` loaded; images still needed by a container, or gone already, are let be.

    Raises:
        SandboxUnavailable: the engine failed.
    """
    client = connect()
    with contextlib.closing(client), engine_errors("removing an image"), contextlib.suppress(ImageNotFound):
        client.images.remove(image_id, force=True)


def image_bytes(reference: str) -> int:
    """Unpacked size of an image the engine has.

    Raises:
        BadImage: it has no such image.
        SandboxUnavailable: the engine failed.
    """
    client = connect()
    with contextlib.closing(client), engine_errors("looking at the image"):
        try:
            return int(client.images.get(reference).attrs["Size"])
        except ImageNotFound as error:
            raise BadImage(f"this engine has no image {reference!r}; load or build it first") from error


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
            yield stack.enter_context(tarfile.open(fileobj=source, mode="r|"))
        except (tarfile.TarError, EOFError, OSError, zstandard.ZstdError, UnicodeError) as error:
            raise BadImage(f"the file is not a whole tar archive ({error}); make it with `docker save`") from error


def _read_entry(name: str, content: IO[bytes], length: int, budget: int, limits: Limits) -> _Entry:
    """Hashes one file as it is and unpacked; keeps it if it is small enough to be JSON."""
    plain, unpacked, total = hashlib.sha256(), hashlib.sha256(), 0
    with contextlib.closing(_Tee(content, plain)) as tee:
        start = tee.peek(2)
        source = gzip.GzipFile(fileobj=cast("IO[bytes]", tee)) if start == b"\x1f\x8b" else tee
        kept = bytearray() if length <= _MAX_JSON else None
        try:
            while chunk := source.read(_CHUNK):
                total += len(chunk)
                if total > budget:
                    raise BadImage(
                        f"entry {name!r} and those before it unpack to more than "
                        f"{size(limits.image_unpacked_bytes)}; make the image smaller"
                    )
                unpacked.update(chunk)
                if kept is not None:
                    kept += chunk
                    kept = kept if len(kept) <= _MAX_JSON else None
            while tee.read(_CHUNK):
                pass  # bytes behind a gzip stream belong to the file's digest
        except (EOFError, gzip.BadGzipFile) as error:
            raise BadImage(f"entry {name!r} is damaged ({error}); save and upload the image again") from error
    return _Entry(plain.hexdigest(), unpacked.hexdigest(), total, bytes(kept) if kept is not None else None)


class _Tee:
    """Reads a file and hashes what is read."""

    def __init__(self, source: IO[bytes], digest: Any) -> None:
        self._source = source
        self._digest = digest
        self._peeked = b""

    def peek(self, count: int) -> bytes:
        self._peeked = self._source.read(count)
        self._digest.update(self._peeked)
        return self._peeked

    def read(self, count: int = -1) -> bytes:
        if self._peeked:
            taken, self._peeked = self._peeked, b""
            return taken
        chunk = self._source.read(count)
        self._digest.update(chunk)
        return chunk

    def close(self) -> None:
        self._source.close()


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
        if diff_id != f"sha256:{entry.unpacked_digest}":
            raise BadImage(f"layer {layer_name!r} is not what the config says it is; save the image again")
        layers.append(found)
    unpacked = sum(entries[name].unpacked_bytes for name in layers)
    return ImageTar(path, posixpath.normpath(config_name), tuple(layers), unpacked)


def _json(entries: dict[str, _Entry], name: str, missing: str) -> Any:
    entry = entries.get(name)
    if entry is None:
        raise BadImage(missing)
    if entry.content is None:
        raise BadImage(f"{name!r} is larger than {size(_MAX_JSON)}; that is no image description")
    try:
        return json.loads(entry.content)
    except (ValueError, RecursionError) as error:
        raise BadImage(f"{name!r} is not JSON; make the archive with `docker save`") from error


def _rewritten(tar: ImageTar, tag: str) -> Iterator[bytes]:
    """The archive for the engine: only the config and the layers, under a name of ours."""
    manifest = [{"Config": tar.config, "RepoTags": [tag], "Layers": list(tar.layers)}]
    wanted = {tar.config, *tar.layers}
    with _opened(tar.path) as source:
        for member in source:
            name = posixpath.normpath(member.name)
            if name in wanted and member.isreg():
                wanted.remove(name)
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = member.size, 0o444
                yield entry.tobuf(tarfile.PAX_FORMAT)
                content = source.extractfile(member)
                assert content is not None
                while chunk := content.read(_CHUNK):
                    yield chunk
                yield b"\0" * (-member.size % tarfile.BLOCKSIZE)
    body = json.dumps(manifest).encode()
    last = io.BytesIO()
    with tarfile.open(fileobj=last, mode="w") as end:
        entry = tarfile.TarInfo("manifest.json")
        entry.size, entry.mode = len(body), 0o444
        end.addfile(entry, io.BytesIO(body))
    yield last.getvalue()
