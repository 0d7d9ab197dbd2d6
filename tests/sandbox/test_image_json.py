"""Descriptions of any shape: each is refused or accepted, and nothing stumbles over one."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import BadImage, Limits
from sandbox.image.admission import inspect
from tests.sandbox.archives import LAYER, OCI, Archive, OciArchive

STRANGE: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 10**30, "", "\ud800", "\0", "x" * 3000, "/", "../..", "\u202e", [], [[]], [None], ["x"],
    [{}], {}, {"": None}, {"a": []}, "sha256:" + "0" * 64,
)  # fmt: skip
SETTINGS: dict[str, Any] = {
    "Cmd": ["x"], "Entrypoint": ["y"], "Env": ["A=b"], "Labels": {"a": "b"}, "Volumes": {"/x": {}},
    "ExposedPorts": {"80/tcp": {}}, "WorkingDir": "/a", "User": "u", "Healthcheck": {"Test": ["NONE"], "Interval": 1},
    "OnBuild": ["x"], "Shell": ["x"], "StopSignal": "x", "StopTimeout": 1, "Tty": False,
}  # fmt: skip


def _places(found: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for key in found if isinstance(found, dict) else range(len(found)) if isinstance(found, list) else ():
        yield from _places(found[key], (*path, key))


def _broken(found: Any, chance: random.Random) -> Any:
    """The same with something strange in one place, or added there."""
    path, value = chance.choice(list(_places(found))), chance.choice(STRANGE)
    if not path:
        return value
    made = copy.deepcopy(found)
    holder = made
    for key in path[:-1]:
        holder = holder[key]
    key = chance.choice(["Rootfs", "\ud800", ""]) if isinstance(holder, dict) and chance.random() < 0.2 else path[-1]
    holder[key] = value
    return made


def _manifest(archive: Archive, chance: random.Random) -> bytes:
    archive.manifest = _broken([{"Config": "config.json", "RepoTags": [], "Layers": archive.names}], chance)
    return archive.bytes()


def _config(archive: Archive, chance: random.Random) -> bytes:
    content = json.dumps(_broken(json.loads(archive.config_bytes()), chance)).encode()
    archive.config_bytes = lambda: content  # type: ignore[method-assign]
    return chance.choice([archive, OciArchive.of(archive)]).bytes()


def _index(archive: Archive, chance: random.Random) -> bytes:
    made = OciArchive.of(archive)
    made = made.nest() if chance.random() < 0.5 else made
    made.manifests = _broken(made.manifests, chance)
    return made.bytes()


def _oci_manifest(archive: Archive, chance: random.Random) -> bytes:
    made = OciArchive.of(archive)
    manifest = next(json.loads(content) for content in made.files.values() if b"schemaVersion" in content)
    made.manifests = [made.put(json.dumps(_broken(manifest, chance)).encode(), f"{OCI}manifest.v1+json")]
    return made.bytes()


@pytest.mark.parametrize("make", [_manifest, _config, _index, _oci_manifest])
def test_a_strange_value_anywhere_is_refused_or_harmless(make: Any, tmp_path: Path) -> None:
    chance = random.Random(3)
    path = tmp_path / "model.tar"
    said: list[str] = []
    for _ in range(300):
        archive = Archive.of(LAYER, LAYER)
        archive.config["config"] = copy.deepcopy(SETTINGS)
        path.write_bytes(make(archive, chance))
        try:
            inspect(path, Limits(), architecture="amd64")
        except BadImage as error:
            said.append(str(error))
    assert len(said) > 50
    assert max(len(each.encode()) for each in said) < 600, "it must be short, and fit to be written down"
