"""`python -m sandbox inspect`, as a participant calls it: without an engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from sandbox.image.admission import host_architecture
from tests.sandbox.archives import Archive, device, tar_of, tar_with, zstd

LAYER = tar_of({"true": b"#!/bin/true\n", "etc/passwd": b""})


def inspect(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sandbox", "inspect", *map(str, arguments)],
        capture_output=True, text=True, check=False, timeout=60,
        env=os.environ | {"DOCKER_HOST": "unix:///nowhere.sock"},
    )  # fmt: skip


def archive(*layers: bytes) -> Archive:
    made = Archive.of(*layers or (LAYER,))
    made.config["architecture"] = host_architecture()
    return made


@pytest.fixture
def good(tmp_path: Path) -> Path:
    made = archive()
    made.config["config"] |= {
        "Entrypoint": ["python3", "-m", "my model"],
        "Cmd": ["--fast"],
        "User": "root",
        "WorkingDir": "/app",
        "Volumes": {"/data": {}},
        "Env": ["LD_LIBRARY_PATH=/usr/local/cuda/lib64", "A=b"],
        "Healthcheck": {"Test": ["CMD", "true"]},
    }
    path = tmp_path / "model.tar.zst"
    path.write_bytes(zstd(made.bytes()))
    return path


def test_a_good_one(good: Path) -> None:
    done = inspect(good)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert lines[0] == "✓ model.tar.zst can be submitted."
    for line in (
        "layers 1 of 64",
        "files 3 of 200000",
        "layout Docker, zstd",
        f"made for linux/{host_architecture()}",
        "runs python3 -m 'my model' --fast",
        "in /app",
        "note USER is not heeded: everything runs as user 65534.",
        "note Nothing can be kept in a VOLUME: write to /tmp.",
        "note ENV LD_LIBRARY_PATH is dropped: set it in the entry point if it is needed.",
        "note HEALTHCHECK: not heeded.",
    ):
        assert line in lines, done.stdout


def test_a_good_one_for_programs(good: Path) -> None:
    done = inspect(good, "--json", "--layers", "7", "--packed", "1m")
    assert done.returncode == 0
    report = json.loads(done.stdout)
    assert report["acceptable"] is True
    assert (report["layers"], report["files"], report["unpacked_bytes"]) == (1, 3, len(LAYER))
    assert (report["layout"], report["compression"], report["os"]) == ("docker", "zstd", "linux")
    assert (report["entrypoint"], report["command"]) == (["python3", "-m", "my model"], ["--fast"])
    assert len(report["notes"]) == 4
    assert report["limits"]["image_layers"] == 7
    assert report["limits"]["image_packed_bytes"] == 1024**2
    assert "sha256" not in done.stdout


def test_a_bad_one_names_the_entry_the_reason_and_the_remedy(tmp_path: Path) -> None:
    made = archive(LAYER, tar_with(device("dev/sda", tarfile.BLKTYPE, 8, 0)))
    path = made.write(tmp_path / "model.tar")
    done = inspect(path)
    assert (done.returncode, done.stderr) == (1, "")
    assert [" ".join(line.split()) for line in done.stdout.splitlines()] == [
        "✗ model.tar can't be accepted.",
        "",
        "where layer 2 of 2, entry 'dev/sda'",
        "why is a block device",
        "remedy leave /dev to the container",
    ]
    report = json.loads(inspect(path, "--json").stdout)
    assert report["acceptable"] is False
    assert report["entry"] == "layer 2 of 2, entry 'dev/sda'"
    assert (report["reason"], report["remedy"]) == ("is a block device", "leave /dev to the container")
    assert report["sentence"] == "layer 2 of 2, entry 'dev/sda' is a block device; leave /dev to the container"


@pytest.mark.parametrize(
    ("option", "says"),
    [
        (("--files", "1"), "holds more than 1 files"),
        (("--layers", "1"), "has 2 layers; at least 1 and at most 1 are allowed"),
        (("--architecture", "s390x"), "runs on s390x; build it with `--platform linux/s390x`"),
    ],
)
def test_ceilings_and_the_architecture_may_be_given(option: tuple[str, str], says: str, tmp_path: Path) -> None:
    path = archive(LAYER, tar_of({"other": b""})).write(tmp_path / "model.tar")
    done = inspect(path, "--json", *option)
    assert done.returncode == 1
    assert says in json.loads(done.stdout)["sentence"]


@pytest.mark.parametrize("arguments", [["/nowhere.tar"], ["/dev/zero"], ["."], [], ["x.tar", "--packed", "much"]])
def test_where_nothing_could_be_looked_at(arguments: list[str]) -> None:
    done = inspect(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_what_a_stranger_wrote_does_not_reach_the_terminal(tmp_path: Path) -> None:
    """Escapes, markup, line breaks, letters that turn the line around: shown, and not obeyed."""
    evil = "\x1b]0;owned\x07[bold]\n\u202e"
    good = archive()
    good.config["config"] = {"Cmd": [evil], "WorkingDir": "/[red]x", "Env": [f"LD_{evil}=1"]}
    bad = archive(tar_with(device(f"dev/{evil}", tarfile.BLKTYPE, 8, 0)))
    for made, status in ((good, 0), (bad, 1)):
        done = inspect(made.write(tmp_path / "model.tar"))
        assert done.returncode == status, done.stderr
        assert not {"\x1b", "\x07", "\u202e"} & set(done.stdout)
        assert "[bold]" in done.stdout
