"""Is this image archive acceptable? Looked at in one pass, without an engine, before anything reaches one."""

from __future__ import annotations

import dataclasses
import json
import platform
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sandbox.errors import BadImage, shown
from sandbox.image.archive import Blob, read_archive
from sandbox.image.config import KERNELS_OWN, SHARED_MEMORY, check_config, check_names
from sandbox.image.layer import Links
from sandbox.image.layouts import Described, describe, layer_name, parse
from sandbox.limits import KIB, Limits
from sandbox.verdicts import size

MAX_CONFIG_BYTES = 512 * KIB
"""A large one has some 50 kB; a megabyte of labels would go into every answer of the engine."""

_FIELDS = (
    "architecture", "os", "variant", "os.version", "os.features", "config", "rootfs", "history", "created", "author",
    "id", "parent", "comment", "container", "container_config", "docker_version",
)  # fmt: skip
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_AGAIN = "save and upload the image again"

_Parts = tuple[bytes, ...]
_Place = tuple[_Parts, _Parts]
"""How far a path is followed, and what is left of it."""

_KERNELS_OWN = {(place.strip("/").encode(),) for place in KERNELS_OWN}
_MOUNTED = ("/tmp", "/input", "/output")  # noqa: S108  (the container's own)
_MAX_PLACES, _MAX_PARTS = 2_000, 256


@dataclasses.dataclass(frozen=True, slots=True)
class Layer:
    """One layer: its file in the archive, and sha256 (hexadecimal) and length after unpacking."""

    name: str
    digest: str
    unpacked_bytes: int


@dataclasses.dataclass(frozen=True, slots=True)
class ImageTar:
    """An acceptable image archive.

    Attributes:
        path: the archive.
        layout: "docker" or "oci".
        compression: of the whole archive: "gzip", "zstd" or "".
        packed_bytes: of the archive.
        unpacked_bytes: of all layers together.
        files: entries of all layers together.
        config: the image's description, byte by byte.
        config_digest: its sha256 (hexadecimal), which is the image's ID.
        layers: lowest first.
    """

    path: Path
    layout: str
    compression: str
    packed_bytes: int
    unpacked_bytes: int
    files: int
    config: bytes
    config_digest: str
    layers: tuple[Layer, ...]

    @property
    def settings(self) -> Mapping[str, Any]:
        """What it says about running it: `Env`, `Entrypoint`, `Cmd`, `User` …; checked, and None where absent."""
        found: dict[str, Any] = json.loads(self.config)["config"]
        return found

    @property
    def architecture(self) -> str:
        return str(json.loads(self.config)["architecture"])


def host_architecture() -> str:
    """This machine's, as images name it, e.g. "amd64"."""
    return _ARCHITECTURES.get(platform.machine(), platform.machine())


def inspect(path: Path, limits: Limits, *, architecture: str = "") -> ImageTar:
    """Checks an archive (.tar, .tar.gz, .tar.zst; Docker or OCI layout) in one pass and with bounded memory.

    Args:
        architecture: what the image must be made for, e.g. "arm64"; this machine's if empty.

    Raises:
        BadImage: what is wrong with it, naming the entry, and the remedy.
        OSError: the file can't be read.
    """
    packed = path.stat().st_size
    if packed > limits.image_packed_bytes:
        reason = f"has {size(packed)}; at most {size(limits.image_packed_bytes)} are allowed"
        raise BadImage(reason, entry="the archive", remedy="make the image smaller, or compress the archive")
    archive = read_archive(path, limits)
    image = describe(archive)
    config = _checked_config(image, _ARCHITECTURES.get(architecture, architecture) or host_architecture())
    layers = _checked_layers(image, config["rootfs"], limits)
    _check_links(config["config"], [blob.links for blob in image.layers])
    return ImageTar(
        path=path,
        layout=image.layout,
        compression=archive.compression,
        packed_bytes=packed,
        unpacked_bytes=sum(blob.unpacked_bytes for blob in image.layers),
        files=sum(blob.files for blob in image.layers),
        config=image.config.content or b"",
        config_digest=image.config.raw_digest,
        layers=layers,
    )


def _checked_config(image: Described, architecture: str) -> dict[str, Any]:
    """The description, with `rootfs` and `config` as they should be."""
    if image.config.raw_bytes > MAX_CONFIG_BYTES:
        reason = f"has {size(image.config.raw_bytes)}; at most {size(MAX_CONFIG_BYTES)} are allowed"
        raise BadImage(reason, entry="the config", remedy="make LABEL, ENV and the like shorter")
    config = parse(image.config, "the config")
    if not isinstance(config, dict) or not isinstance(config.get("rootfs"), dict):
        raise BadImage("does not describe an image", entry="the config", remedy=_AGAIN)
    check_names(config, _FIELDS, "the config")
    check_names(config["rootfs"], ("type", "diff_ids"), "rootfs of the config")
    if config.get("os") != "linux":
        reason = f"is made for {shown(config.get('os'))}, and not for linux"
        raise BadImage(reason, entry="the image", remedy="build a Linux image")
    made_for = config.get("architecture")
    if made_for != architecture:
        reason = f"is made for {shown(made_for)}, and runs on {architecture}"
        raise BadImage(reason, entry="the image", remedy=f"build it with `--platform linux/{architecture}`")
    config["config"] = config.get("config") or {}
    if not isinstance(config["config"], dict):
        raise BadImage("does not describe an image", entry="the config", remedy=_AGAIN)
    check_config(config["config"])
    return config


def _checked_layers(image: Described, rootfs: Mapping[str, Any], limits: Limits) -> tuple[Layer, ...]:
    """Each must be what the config says it is, and a layer at all."""
    count, diff_ids = len(image.layers), rootfs.get("diff_ids")
    if not 1 <= count <= limits.image_layers:
        remedy = "join RUN lines, or flatten it with `docker export` and `docker import`"
        reason = f"has {count} layers; at least 1 and at most {limits.image_layers} are allowed"
        raise BadImage(reason, entry="the image", remedy=remedy)
    if not isinstance(diff_ids, list) or len(diff_ids) != count or rootfs.get("type") != "layers":
        raise BadImage("names another number of layers than the manifest", entry="the config", remedy=_AGAIN)
    for at, (blob, diff_id) in enumerate(zip(image.layers, diff_ids, strict=True)):
        _check_layer(blob, diff_id, layer_name(at, count))
    # A layer may be named many times, and the engine unpacks it each time.
    if sum(blob.unpacked_bytes for blob in image.layers) > limits.image_unpacked_bytes:
        most = size(limits.image_unpacked_bytes)
        raise BadImage(f"unpack to more than {most}", entry="its layers", remedy="make the image smaller")
    if sum(blob.files for blob in image.layers) > limits.image_files:
        remedy = "leave caches, documentation and test data out of it"
        raise BadImage(f"hold more than {limits.image_files} files", entry="its layers", remedy=remedy)
    return tuple(Layer(blob.name, blob.digest, blob.unpacked_bytes) for blob in image.layers)


def _check_layer(blob: Blob, diff_id: object, name: str) -> None:
    if blob.digest and diff_id != f"sha256:{blob.digest}":
        raise BadImage("is not what the config says it is", entry=name, remedy=_AGAIN)
    if blob.defect is not None:
        entry = f"{name}, {blob.defect.entry}" if blob.defect.entry else name
        raise BadImage(blob.defect.reason, entry=entry, remedy=blob.defect.remedy)


def _check_links(settings: Mapping[str, Any], layers: Sequence[Links]) -> None:
    """Where the container starts, and where something is mounted, no link may lead into the kernel's own places."""
    for place in KERNELS_OWN:
        if any(place.strip("/").encode() in links for links in layers):
            raise BadImage("is a symbolic link", entry=place, remedy="leave it out of the image, or a directory")
    places = {settings.get("WorkingDir") or "/": "WORKDIR"}
    places |= dict.fromkeys(settings.get("Volumes") or {}, "VOLUME") | dict.fromkeys(_MOUNTED, "the place")
    for path, what in places.items():
        if posixpath.normpath(path) != SHARED_MEMORY and leads_to_the_kernel(path, layers):
            remedy = "make it a directory of the image, and no link"
            raise BadImage("leads to a place of the kernel", entry=f"{what} {shown(path)}", remedy=remedy)


def leads_to_the_kernel(path: str, layers: Sequence[Links]) -> bool:
    """Whether a path may end in /proc, /sys or /dev, by way of any link that any layer has.

    CVE-2024-21626 works through a link to /proc/self/fd/8 as well. A link that a later layer replaces counts too: who
    has such a link where the WORKDIR is meant no good.
    """
    start: _Place = ((), _parts(path.encode(errors="surrogateescape")))
    seen, waiting = {start}, [start]
    while waiting:
        for place in _next_places(*waiting.pop(), layers):
            if place[0] in _KERNELS_OWN or len(seen) > _MAX_PLACES or len(place[1]) > _MAX_PARTS:
                return True
            if place not in seen:
                seen.add(place)
                waiting.append(place)
    return False


def _next_places(done: _Parts, left: _Parts, layers: Sequence[Links]) -> Iterator[_Place]:
    """One part further: to what has that name, or to what a link of that name means."""
    if not left:
        return
    part, left = left[0], left[1:]
    if part == b"..":
        yield done[:-1], left
        return
    yield (*done, part), left
    name = b"/".join((*done, part))
    for target in {links[name] for links in layers if name in links}:
        yield () if target.startswith(b"/") else done, _parts(target) + left


def _parts(path: bytes) -> _Parts:
    return tuple(part for part in path.split(b"/") if part not in (b"", b"."))
