"""The bases: what is in their lists, how they are built, and what a submission finds in them."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from evaluator.datasets import Dataset
from evaluator.pipeline import evaluate
from evaluator.report import Report
from sandbox import PROFILES, Limits
from sandbox.bases import HERE, PROBES, TITLES, base_image
from sandbox.bases.build import build
from sandbox.bases.steps import BUILD_LABEL, owner
from sandbox.bases.trim import trim
from sandbox.bases.wheels import MACHINES, read_list
from tests.sandbox.guests import until

SMOKE = Path(__file__).parent / "smoke"
ABILITIES = Path(__file__).parent / "abilities"
NO_NETWORK = {
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
    "PIP_EXTRA_INDEX_URL": "",
    "PIP_FIND_LINKS": "",
    "PIP_RETRIES": "0",
}

PIN = re.compile(r"([a-z0-9-]+)==[\w.+]+((?:\s+--hash=sha256:[0-9a-f]{64}){1,2})")


def pins(name: str, machine: str) -> dict[str, str]:
    """Package to its whole line. Fails for a line that is not a pin with hashes."""
    found = {}
    for line in read_list((HERE / f"{name}.txt").read_text(), machine)[0]:
        match = PIN.fullmatch(line)
        assert match, line
        found[match[1]] = line
    return found


# -- lists ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", TITLES)
def test_every_wheel_is_pinned_by_hash_on_both_architectures(name: str, machine: str) -> None:
    assert {"numpy", "pillow"} < set(pins(name, machine))


@pytest.mark.parametrize("machine", MACHINES)
def test_the_bases_agree_on_the_versions_they_share(machine: str) -> None:
    lists = [pins(name, machine) for name in TITLES]
    for package in set.union(*(set(each) for each in lists)):
        assert len({each[package] for each in lists if package in each}) == 1, package


def test_a_list_is_read_for_the_engines_architecture() -> None:
    text = (
        "# a comment\n--extra-index-url https://example.org/cpu\n\n"
        'fat==1.0 ; platform_machine == "aarch64" \\\n    --hash=sha256:aa\n'
        'slim==1.0 ; platform_machine == "x86_64" \\\n    --hash=sha256:bb\n'
        "both==2.0 \\\n    --hash=sha256:cc \\\n    --hash=sha256:dd\n"
    )
    requirements, indexes = read_list(text, "x86_64")
    assert [line.split() for line in requirements] == [
        ["slim==1.0", "--hash=sha256:bb"],
        ["both==2.0", "--hash=sha256:cc", "--hash=sha256:dd"],
    ]
    assert indexes == ["--extra-index-url=https://example.org/cpu"]
    assert [line.split("==")[0] for line in read_list(text, "aarch64")[0]] == ["fat", "both"]


def test_every_base_is_tried_before_it_gets_its_name() -> None:
    assert PROBES.keys() == TITLES.keys()


def test_a_library_without_its_symbol_table_still_loads(tmp_path: Path) -> None:
    import PIL

    installed = Path(PIL.__file__).parent
    for package in (installed, installed.parent / "pillow.libs"):
        shutil.copytree(package, tmp_path / package.name)
    (tmp_path / "PIL" / "tests").mkdir()
    (tmp_path / "PIL" / "note.so").write_bytes(b"\x7fELF, says this text")
    before = sum(path.stat().st_size for path in tmp_path.rglob("*.so*"))
    assert trim(tmp_path) > 0
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.so*")) < before
    assert not (tmp_path / "PIL" / "tests").exists()
    assert (tmp_path / "PIL" / "note.so").read_bytes() == b"\x7fELF, says this text"
    code = "import io; from PIL import Image; Image.new('L', (9, 9)).save(io.BytesIO(), 'JPEG'); print(Image.__file__)"
    said = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert said.stdout.startswith(str(tmp_path)), said.stderr


# -- submissions ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=list(TITLES))
def base(request: pytest.FixtureRequest) -> str:
    """Each base in turn, built."""
    build(request.param)
    return str(request.param)


@pytest.fixture
def limits() -> Limits:
    return PROFILES["raspberry-pi-3b"].on(os.cpu_count() or 1)


def told(report: Report) -> str:
    """For a person who reads why a test has failed."""
    seen = report.measurements
    return (
        f"{report.verdict.code}: {report.verdict.sentence} start {seen.start_seconds} s, latency "
        f"{seen.latency_median_seconds} s, memory peak {seen.memory_peak_bytes} bytes\n{report.log}"
    )


@pytest.mark.docker
def test_the_smoke_submission_passes_on_a_raspberry_pi(base: str, limits: Limits, drawn: Path) -> None:
    report = evaluate(SMOKE / base, Dataset.open(drawn, "val"), limits, base=base, seed=0)
    assert report.verdict.ok, told(report)
    assert report.scores is not None
    # One net in three formats (smoke/make.py): right is one thing, and a constant answer has an mIoU of 0.05 or so.
    assert report.scores.miou == pytest.approx(0.36, abs=0.02), told(report)
    assert (report.measurements.memory_peak_bytes or 0) < limits.memory_bytes / 2, told(report)


PREDICT = """
import os, socket
import numpy as np
from ability import load as load_framework

def refused(what, *given):
    try:
        what(*given)
    except OSError:
        return True

def load():
    assert os.getuid() == os.getgid() == 65534
    assert os.environ["HOME"] == "/tmp"
    for place in ("/x", "/submission/x", "/var/x", "/opt/parakh/x"):
        assert refused(open, place, "w"), place
    assert refused(socket.create_connection, ("1.1.1.1", 53), 1)
    load_framework()

def predict(image):
    return np.zeros(image.shape[:2], np.uint8)
"""


@pytest.mark.docker
@pytest.mark.parametrize("threads", [1, 3])
def test_a_framework_does_what_it_is_for_behind_the_walls(
    base: str, threads: int, limits: Limits, drawn: Path, tmp_path: Path
) -> None:
    submission = tmp_path / "submission.zip"
    with zipfile.ZipFile(submission, "w") as archive:
        archive.writestr("predict.py", PREDICT)
        archive.write(ABILITIES / f"{base}.py", "ability.py")
        archive.write(SMOKE / "onnx" / "model.onnx", "model.onnx")
    report = evaluate(submission, Dataset.open(drawn, "val"), limits.replace(threads=threads), base=base)
    assert report.verdict.ok, told(report)


# -- the builder: on the smallest base ------------------------------------------------------------------------------


class Builder:
    """Builds `onnx` in a process of its own, with a cache of its own and without a network."""

    def __init__(self, engine: docker.DockerClient, cache: Path) -> None:
        self.engine = engine
        self.cache = cache

    def start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "sandbox", "build", "--force", "onnx"]
        environment = os.environ | NO_NETWORK | {"XDG_CACHE_HOME": str(self.cache)}
        return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)

    def image(self) -> str:
        return str(self.engine.images.get(base_image("onnx")).id)

    def containers(self) -> list[str]:
        label = {"label": f"{BUILD_LABEL}={owner(self.cache / 'parakh')}"}
        return [str(each["Id"]) for each in self.engine.api.containers(all=True, filters=label)]

    def nothing_is_left(self) -> bool:
        return not self.containers() and not (self.cache / "parakh" / "scratch").exists()


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache directory that an ordinary build has filled."""
    cache = tmp_path_factory.mktemp("cache")
    command = [sys.executable, "-m", "sandbox", "build", "--force", "onnx"]
    subprocess.run(command, env=os.environ | {"XDG_CACHE_HOME": str(cache)}, check=True, capture_output=True)
    return cache


@pytest.fixture
def builder(engine: docker.DockerClient, warm: Path, tmp_path: Path) -> Iterator[Builder]:
    shutil.copytree(warm / "parakh" / "wheels", tmp_path / "parakh" / "wheels")
    made = Builder(engine, tmp_path)
    yield made
    assert made.nothing_is_left()


@pytest.mark.docker
def test_a_filled_cache_is_enough_and_the_former_image_goes(builder: Builder) -> None:
    former = builder.image()
    building = builder.start()
    _, said = building.communicate()
    assert building.returncode == 0, said
    assert builder.image() != former
    with pytest.raises(docker.errors.ImageNotFound):
        builder.engine.images.get(former)


@pytest.mark.docker
def test_a_wheel_that_was_tampered_with_gets_into_no_image(builder: Builder) -> None:
    former = builder.image()
    (wheel,) = (builder.cache / "parakh" / "wheels" / "onnx").glob("pillow-*")
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("PIL/extra.py", "")
    building = builder.start()
    _, said = building.communicate()
    assert building.returncode == 2
    assert "they are not the ones of the list" in said
    assert "Is PyPI reachable?" in said
    assert builder.image() == former


@pytest.mark.docker
def test_two_builds_at_once_come_one_after_the_other(builder: Builder) -> None:
    both = [builder.start(), builder.start()]
    said = [building.communicate()[1] for building in both]
    assert [building.returncode for building in both] == [0, 0], said
    assert sum("waiting for another build" in each for each in said) == 1


@pytest.mark.docker
@pytest.mark.parametrize("blow", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_build_leaves_nothing(builder: Builder, blow: signal.Signals) -> None:
    former = builder.image()
    building = builder.start()
    until(lambda: bool(builder.containers()), seconds=60)
    building.send_signal(blow)
    building.communicate()
    assert building.returncode != 0
    assert builder.nothing_is_left()
    assert builder.image() == former


@pytest.mark.docker
def test_what_a_killed_build_left_goes_with_the_next(builder: Builder) -> None:
    former = builder.image()
    building = builder.start()
    until(lambda: bool(builder.containers()), seconds=60)
    building.kill()
    building.communicate()
    left = builder.containers()
    assert len(left) == 1
    assert builder.image() == former
    building = builder.start()
    _, said = building.communicate()
    assert building.returncode == 0, said
    assert builder.image() != former


def test_an_unknown_base_is_named_with_those_there_are() -> None:
    done = subprocess.run([sys.executable, "-m", "sandbox", "build", "cobol"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "unknown base 'cobol'; there are pytorch, onnx, tensorflow" in done.stderr
