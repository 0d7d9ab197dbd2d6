"""Image archives from strangers: what is accepted, and what is refused in which words. No engine."""

from __future__ import annotations

import json
import os
import random
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox import BadImage, Limits, images
from sandbox.image.admission import inspect
from tests.sandbox.archives import (
    LAYER,
    OTHER,
    Archive,
    OciArchive,
    gzipped,
    honest,
    refusal,
    zstd,
)
from tests.sandbox.guests import MIB

LIMITS = Limits(image_packed_bytes=8 * MIB, image_unpacked_bytes=4 * MIB, image_layers=8, image_files=500)


# -- accepted ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outside", [bytes, gzipped, zstd], ids=["tar", "tar.gz", "tar.zst"])
@pytest.mark.parametrize("inside", [bytes, gzipped, zstd], ids=["plain layers", "gzip layers", "zstd layers"])
@pytest.mark.parametrize("layout", ["docker", "oci", "nested oci"])
def test_an_honest_archive_is_accepted(
    outside: Callable[[bytes], bytes], inside: Callable[[bytes], bytes], layout: str, tmp_path: Path
) -> None:
    archive = honest(inside)
    made: Archive | OciArchive = archive
    if layout != "docker":
        made = OciArchive.of(archive, layer_type="layer.v1.tar+gzip" if inside is gzipped else "layer.v1.tar")
        made = made.nest() if layout == "nested oci" else made
    path = tmp_path / "model"
    path.write_bytes(outside(made.bytes()))
    found = inspect(path, LIMITS, architecture="amd64")
    assert found.layout == layout.split()[-1]
    assert found.compression == {bytes: "", gzipped: "gzip", zstd: "zstd"}[outside]
    assert [f"sha256:{layer.digest}" for layer in found.layers] == archive.diff_ids
    assert found.unpacked_bytes == len(LAYER) + len(OTHER)
    assert found.packed_bytes == path.stat().st_size
    assert (found.files, found.architecture, found.settings["Cmd"]) == (2, "amd64", ["/true"])
    assert found.config == archive.config_bytes()


def test_a_newer_docker_save_has_both_layouts_and_names_by_digest(tmp_path: Path) -> None:
    made = OciArchive.of(honest()).nest()
    blobs = [name for name, content in made.files.items() if content in (LAYER, OTHER)]
    config = next(name for name, content in made.files.items() if b"rootfs" in content)
    manifest = [{"Config": config, "RepoTags": ["team/model:1"], "Layers": blobs, "LayerSources": {}}]
    made.files["manifest.json"] = json.dumps(manifest).encode()
    found = inspect(made.write(tmp_path / "a.tar"), LIMITS, architecture="amd64")
    assert (found.layout, len(found.layers)) == ("docker", 2)


def test_a_layer_that_is_there_once_may_be_linked_to(tmp_path: Path) -> None:
    """So `docker save` of some versions writes layers that occur twice."""
    archive = honest().add("same/layer.tar", type=tarfile.SYMTYPE, linkname="../layer0/layer.tar")
    archive.diff_ids.append(archive.diff_ids[0])
    archive.manifest = [{"Config": "config.json", "RepoTags": None, "Layers": [*archive.names, "same/layer.tar"]}]
    assert len(inspect(archive.write(tmp_path / "a.tar"), LIMITS, architecture="amd64").layers) == 3


def test_what_buildx_attests_is_no_second_image(tmp_path: Path) -> None:
    made = OciArchive.of(honest())
    statement = made.put_json({"layers": [], "config": {}}, "manifest.v1+json")
    unknown = {"platform": {"architecture": "unknown", "os": "unknown"}}
    marked = {"annotations": {"vnd.docker.reference.type": "attestation-manifest"}}
    made.manifests += [statement | unknown, statement | marked]
    assert inspect(made.nest().write(tmp_path / "a.tar"), LIMITS, architecture="amd64").layout == "oci"


@pytest.mark.parametrize("joined", [lambda a, b: gzipped(a) + gzipped(b), lambda a, b: zstd(a) + zstd(b)])
@pytest.mark.parametrize("where", ["layer", "archive"])
def test_several_members_or_frames_are_one_file(
    joined: Callable[[bytes, bytes], bytes], where: str, tmp_path: Path
) -> None:
    """As `cat`, bgzip, pigz -i and `zstd -T0` of some versions write them: all of them count."""
    path = tmp_path / "model"
    if where == "layer":
        archive = honest(lambda layer: joined(layer[:700], layer[700:]))
        archive.write(path)
    else:
        content = honest().bytes()
        path.write_bytes(joined(content[:3000], content[3000:]))
    assert inspect(path, LIMITS, architecture="amd64").unpacked_bytes == len(LAYER) + len(OTHER)


def test_what_follows_the_end_of_a_layer_counts_for_its_digest(tmp_path: Path) -> None:
    layer = LAYER + b"padding of some tool" * 100
    assert inspect(Archive.of(layer).write(tmp_path / "a.tar"), LIMITS, architecture="amd64").files == 1
    cut = Archive.of(layer)
    cut.layers = [LAYER]
    assert "not what the config says" in str(refusal(cut.bytes(), tmp_path, LIMITS))


@pytest.mark.parametrize("asked", ["aarch64", "arm64"])
def test_the_architecture_asked_for_decides(asked: str, tmp_path: Path) -> None:
    archive = honest()
    archive.config["architecture"] = "arm64"
    path = archive.write(tmp_path / "a.tar")
    assert inspect(path, LIMITS, architecture=asked).architecture == "arm64"
    with pytest.raises(BadImage, match=r"made for 'arm64', and runs on amd64; build it with `--platform linux/amd64`"):
        inspect(path, LIMITS, architecture="amd64")


def test_without_a_word_it_is_this_machines(tmp_path: Path) -> None:
    archive = honest()
    archive.config["architecture"] = images.host_architecture()
    inspect(archive.write(tmp_path / "a.tar"), LIMITS)
    archive.config["architecture"] = "s390x"
    with pytest.raises(BadImage, match="made for 's390x'"):
        inspect(archive.write(tmp_path / "a.tar"), LIMITS)


def test_no_digest_of_a_layer_is_shown(tmp_path: Path) -> None:
    for archive in (honest(), OciArchive.of(honest())):
        for spoil in (
            lambda content: content[: len(content) // 2],
            lambda content: content.replace(b"#!/bin/true", b"#!/bin/evil"),
        ):
            said = str(refusal(spoil(archive.bytes()), tmp_path, LIMITS))
            assert not [word for word in said.split() if len(word.strip("'/.,;")) >= 64], said


def test_an_archive_over_the_packed_limit_is_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "model.tar"
    with path.open("wb") as file:
        file.truncate(9 * MIB)
    with pytest.raises(BadImage, match=r"9\.0 MiB; at most 8\.0 MiB"):
        inspect(path, LIMITS)


def test_a_device_or_a_pipe_is_not_read(tmp_path: Path) -> None:
    """Neither ends by itself."""
    os.mkfifo(tmp_path / "pipe")
    for path in (Path("/dev/zero"), tmp_path / "pipe", tmp_path, tmp_path / "gone"):
        with pytest.raises(OSError, match=r"regular|directory|such"):
            inspect(path, LIMITS)


def test_whatever_is_changed_it_is_refused_or_the_same(tmp_path: Path) -> None:
    """Damaged archives: nothing but BadImage ever comes out, and an accepted one names true layers."""
    chance = random.Random(7)
    plain, oci = honest().bytes(), OciArchive.of(honest(gzipped)).bytes()
    whole = (plain, gzipped(plain), zstd(plain), oci)
    path = tmp_path / "model.tar"
    refused = 0
    for turn in range(1200):
        content = bytearray(whole[turn % 4])
        for _ in range(chance.randint(1, 8)):
            start = chance.randrange(len(content))
            content[start : start + chance.randint(0, 4)] = chance.randbytes(chance.randint(0, 4))
        path.write_bytes(content)
        try:
            assert inspect(path, LIMITS, architecture="amd64").unpacked_bytes == len(LAYER) + len(OTHER)
        except BadImage:
            refused += 1
    assert refused > 600
