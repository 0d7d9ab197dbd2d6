"""Which files of an archive are its image: as `docker save` describes it, or as the OCI does.

`manifest.json` (Docker) goes before `index.json` (OCI), as in the engine; newer engines write both.
Formats: moby `image/spec`, OCI image-spec 1.1 (`image-layout.md`, `image-index.md`, `manifest.md`).
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from sandbox.errors import BadImage, shown
from sandbox.image.archive import MAX_JSON_BYTES, Archive, Blob
from sandbox.image.tar import SAVE
from sandbox.verdicts import size

_ONE = "save one image at a time with `docker save IMAGE`"
_ONE_PLATFORM = "build it for one platform, e.g. `docker buildx build --platform linux/amd64`"
_AGAIN = "save and upload the image again"

_INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_MANIFEST_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_CONFIG_TYPES = (
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
)
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_BLOB_NAME = re.compile(r"blobs/sha256/([0-9a-f]{64})")


@dataclasses.dataclass(frozen=True, slots=True)
class Described:
    """The image of an archive: its config, and its layers, lowest first. `layout` is "docker" or "oci"."""

    layout: str
    config: Blob
    layers: tuple[Blob, ...]


def describe(archive: Archive) -> Described:
    """Finds the one image.

    Raises:
        BadImage: there is none, or more than one, or a part of it is missing or not what its name says.
    """
    if archive.find("manifest.json"):
        return _docker(archive)
    if archive.find("index.json"):
        return _oci(archive)
    raise BadImage("has neither manifest.json nor index.json", entry="the archive", remedy=SAVE)


def parse(blob: Blob, entry: str) -> Any:
    """The JSON in it, read as narrowly as Go does, and more so.

    Raises:
        BadImage: it is none, or says something twice. `entry` is what the error is about.
    """
    if blob.content is None:
        raise BadImage(f"is no JSON, or larger than {size(MAX_JSON_BYTES)}", entry=entry, remedy=SAVE)
    try:
        return json.loads(blob.content.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise BadImage("is not JSON", entry=entry, remedy=SAVE) from error
    except BadImage as error:
        raise error.about(entry) from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of two values for one name, Python takes the last and Go mixes them."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadImage("says something twice", remedy=SAVE)
    return found


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _docker(archive: Archive) -> Described:
    manifest = parse(_blob(archive, "manifest.json"), "manifest.json")
    if not isinstance(manifest, list) or len(manifest) != 1:
        count = len(manifest) if isinstance(manifest, list) else 0
        raise BadImage(f"must describe exactly one image, not {count}", entry="manifest.json", remedy=_ONE)
    image = manifest[0]
    if not isinstance(image, dict):
        raise BadImage("does not describe an image", entry="manifest.json", remedy=SAVE)
    config, layers = image.get("Config"), image.get("Layers")
    if not isinstance(config, str) or not isinstance(layers, list) or not all(isinstance(n, str) for n in layers):
        raise BadImage("names no Config or Layers", entry="manifest.json", remedy=SAVE)
    count = len(layers)
    return Described(
        "docker",
        _named(archive, config, "the config"),
        tuple(_named(archive, name, layer_name(at, count)) for at, name in enumerate(layers)),
    )


def _named(archive: Archive, name: str, entry: str) -> Blob:
    """A file by its name, which newer engines make of its digest."""
    blob = archive.find(name)
    if blob is None:
        raise BadImage(f"is missing from the archive ({shown(name)})", entry=entry, remedy=_AGAIN)
    digest = _BLOB_NAME.fullmatch(blob.name)
    if digest and digest[1] != blob.raw_digest:
        raise BadImage("is not what its name says: its digest is another", entry=entry, remedy=_AGAIN)
    return blob


def _oci(archive: Archive) -> Described:
    if _field(parse(_blob(archive, "oci-layout"), "oci-layout"), "imageLayoutVersion", str, "oci-layout") != "1.0.0":
        raise BadImage("names no version that is known (1.0.0)", entry="oci-layout", remedy=SAVE)
    manifest = _only_manifest(parse(_blob(archive, "index.json"), "index.json"), "index.json")
    if manifest.get("mediaType") in _INDEX_TYPES:
        inner = parse(_described(archive, manifest, "the inner index"), "the inner index")
        manifest = _only_manifest(inner, "the inner index")
    if manifest.get("mediaType") in _INDEX_TYPES:
        reason = "is of a kind that is not taken: one more index, nested too deep"
        raise BadImage(reason, entry="the manifest", remedy=SAVE)
    _check_type(manifest.get("mediaType"), _MANIFEST_TYPES, "the manifest")
    image = parse(_described(archive, manifest, "the manifest"), "the manifest")
    config, layers = _field(image, "config", dict, "the manifest"), _field(image, "layers", list, "the manifest")
    _check_type(config.get("mediaType"), _CONFIG_TYPES, "the config")
    _check_type(image.get("artifactType"), (None,), "the manifest")
    count = len(layers)
    return Described(
        "oci",
        _described(archive, config, "the config"),
        tuple(_described(archive, each, layer_name(at, count)) for at, each in enumerate(layers)),
    )


def layer_name(at: int, count: int) -> str:
    """As messages call it: never by its digest."""
    return f"layer {at + 1} of {count}"


def _only_manifest(index: Any, entry: str) -> dict[str, Any]:
    """The descriptor of the one image an index lists. What `buildx` attests about an image is not one."""
    found = [each for each in _field(index, "manifests", list, entry) if not _is_attestation(each)]
    if not all(isinstance(each, dict) for each in found):
        raise BadImage("lists something that is no manifest", entry=entry, remedy=SAVE)
    if not found:
        raise BadImage("lists no image", entry=entry, remedy=SAVE)
    if len(found) > 1:
        platforms = sorted({_platform(each) for each in found} - {""})
        if len(platforms) > 1:
            reason = f"lists several platforms ({', '.join(platforms[:5])})"
            raise BadImage(reason, entry=entry, remedy=_ONE_PLATFORM)
        raise BadImage(f"must list exactly one image, not {len(found)}", entry=entry, remedy=_ONE)
    return dict(found[0])


def _is_attestation(descriptor: Any) -> bool:
    if not isinstance(descriptor, dict):
        return False
    annotations, platform = descriptor.get("annotations"), descriptor.get("platform")
    is_marked = isinstance(annotations, dict) and "vnd.docker.reference.type" in annotations
    unknown = {"architecture": "unknown", "os": "unknown"}
    return is_marked or (isinstance(platform, dict) and unknown.items() <= platform.items())


def _platform(descriptor: Mapping[str, Any]) -> str:
    platform = descriptor.get("platform")
    if not isinstance(platform, dict):
        return ""
    return "/".join(shown(platform.get(name))[1:-1] for name in ("os", "architecture"))


def _described(archive: Archive, descriptor: Any, entry: str) -> Blob:
    """The file that a descriptor means, if it is what the descriptor says."""
    digest = _DIGEST.fullmatch(str(_field(descriptor, "digest", str, entry)))
    if digest is None:
        raise BadImage("is named by something else than sha256", entry=entry, remedy=SAVE)
    blob = archive.find(f"blobs/sha256/{digest[1]}")
    if blob is None:
        raise BadImage("is missing from the archive", entry=entry, remedy=_AGAIN)
    if blob.raw_digest != digest[1] or blob.raw_bytes != descriptor.get("size"):
        raise BadImage("is not what its descriptor says: digest or size differ", entry=entry, remedy=_AGAIN)
    return blob


def _check_type(found: object, known: tuple[str | None, ...], entry: str) -> None:
    if found not in known:
        reason = f"is of a kind that is not taken ({shown(found)})"
        raise BadImage(reason, entry=entry, remedy="upload a container image, made with `docker save`")


def _field(found: Any, name: str, kind: type, entry: str) -> Any:
    value = found.get(name) if isinstance(found, dict) else None
    if not isinstance(value, kind):
        raise BadImage(f"lacks {name!r}", entry=entry, remedy=SAVE)
    return value


def _blob(archive: Archive, name: str) -> Blob:
    blob = archive.find(name)
    if blob is None:
        raise BadImage("is missing from the archive", entry=name, remedy=SAVE)
    return blob
