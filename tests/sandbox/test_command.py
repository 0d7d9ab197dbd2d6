"""`python -m sandbox`, as a person or a script would call it; and the recipes of the base images."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from sandbox import bases
from sandbox.bases import ROOT_IMAGE, base_image, recipe
from sandbox.bases.build import is_built
from sandbox.volumes import LABEL
from tests.sandbox.guests import ECHO, PRELUDE

BATCH = 'for n in os.listdir("/input"): open("/output/" + n[:6] + ".png", "w").write(n)\n'


@pytest.fixture(scope="module")
def image(engine: docker.DockerClient) -> Iterator[str]:
    """Answers by either contract, and does what its third argument says; `{}` of the name is that argument."""
    made: list[str] = []
    for name, code in {
        "echo": "if os.environ['PARAKH_CONTRACT'] == 'batch':\n    "
        + BATCH.strip()
        + "\nelse:\n    "
        + ECHO.replace("\n", "\n    "),
        "exit3": "print('going down', file=sys.stderr)\nsys.exit(3)",
    }.items():
        container = engine.containers.create(ROOT_IMAGE, ["true"])
        made.append(f"parakh-test/{name}:latest")
        command = ["python3", "-I", "-S", "-c", PRELUDE + code]
        container.commit(*made[-1].split(":"), conf={"Entrypoint": command, "Cmd": None})
        container.remove()
    yield "parakh-test/{}:latest"
    for each in made:
        engine.images.remove(each, force=True)


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sandbox", *arguments],
        capture_output=True, text=True, check=False, timeout=60, env=os.environ | environment,
    )  # fmt: skip


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("b", "a", "c"):
        (folder / f"{name}.jpg").write_bytes(f"picture {name}".encode())
    return folder


@pytest.mark.docker
def test_a_run_that_went_well(image: str, inputs: Path, tmp_path: Path, engine: docker.DockerClient) -> None:
    output = tmp_path / "deep" / "out"
    done = command(
        "run", image.format("echo"), "--profile", "raspberry-pi-3b", "--memory", "64m", "--cpus", "1", "--time", "30",
        "--contract", "stream", "--input", str(inputs), "--output", str(output), "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["verdict"], found["flags"]) == ("OK", ["OK"])
    assert len(found["latencies"]) == 3
    assert found["observation"]["images_done"] == 3
    assert found["observation"]["exit_code"] == 0
    assert found["start_seconds"] > 0
    assert {path.name: path.read_bytes() for path in output.iterdir()} == {
        f"{name}.png": f"picture {name}".encode()[::-1] for name in "abc"
    }
    assert not [each for each in engine.containers.list(all=True) if each.labels.get(LABEL, "").startswith("local-")]


@pytest.mark.docker
def test_a_batch_run(image: str, inputs: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    done = command(
        "run", image.format("echo"), "--contract", "batch", "--input", str(inputs), "--output", str(output)
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("OK: All 3 images answered in ")
    assert {path.name: path.read_text() for path in output.iterdir()} == {
        "a.png": "000001.jpg", "b.png": "000002.jpg", "c.png": "000003.jpg"
    }  # fmt: skip


@pytest.mark.docker
def test_any_other_verdict_is_status_one(image: str, inputs: Path) -> None:
    done = command("run", image.format("exit3"), "--input", str(inputs), "--json")
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    assert (found["verdict"], found["log"]) == ("RUNTIME_ERROR", "going down\n")
    assert "exit code 3" in found["sentence"]
    assert found["advice"]
    text = command("run", image.format("exit3"))
    assert text.returncode == 1
    assert text.stdout.startswith("RUNTIME_ERROR: ")
    assert "going down" in text.stdout


@pytest.mark.docker
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "parakh/nowhere"], "no image 'parakh/nowhere'; load or build it first"),
        (["run", ROOT_IMAGE], "neither ENTRYPOINT nor CMD"),
        (["run", ROOT_IMAGE, "--memory", "1k"], "memory_bytes is 1,024; it must lie between"),
        (["run", ROOT_IMAGE, "--input", "/no/such/folder"], "/no/such/folder"),
        (["run"], "usage:"),
        (["run", ROOT_IMAGE, "--profile", "phone"], "invalid choice"),
        (["build", "cobol"], "cobol"),
        ([], "usage:"),
    ],
)
def test_what_cannot_be_run_is_status_two_and_says_why(arguments: list[str], says: str) -> None:
    done = command(*arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_without_an_engine_it_says_what_to_do(tmp_path: Path) -> None:
    done = command("run", ROOT_IMAGE, DOCKER_HOST=f"unix://{tmp_path}/no.sock")
    assert done.returncode == 2
    assert "no Docker Engine answers" in done.stderr
    assert "DOCKER_HOST" in done.stderr
    assert "Traceback" not in done.stderr


# -- bases ----------------------------------------------------------------------------------------------------------


def test_a_base_has_a_name_and_a_title() -> None:
    assert base_image("pytorch") == "parakh/base-pytorch:latest"
    assert "PyTorch" in bases.TITLES["pytorch"]
    with pytest.raises(KeyError, match="unknown base 'cobol'; there are pytorch"):
        base_image("cobol")


def test_the_recipe_changes_with_any_file_it_is_made_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {path: path.read_bytes() for path in bases.HERE.rglob("*") if path.suffix in (".py", ".txt")}
    for path, content in kept.items():
        copy = tmp_path / path.relative_to(bases.HERE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(content)
    today = recipe("pytorch")
    monkeypatch.setattr(bases, "HERE", tmp_path)
    assert recipe("pytorch") == today
    found = {today}
    for name in ("pytorch.txt", "build.py", "guest/parakh.py", "guest/run_code.py"):
        with (tmp_path / name).open("a") as file:
            file.write("# changed\n")
        found.add(recipe("pytorch"))
    (tmp_path / "guest" / "new.py").touch()
    found.add(recipe("pytorch"))
    assert len(found) == 6


@pytest.mark.docker
def test_a_base_is_built_only_if_its_recipe_is_todays(
    engine: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert is_built(engine, "pytorch")
    monkeypatch.setattr("sandbox.bases.build.recipe", lambda name: "another")
    assert not is_built(engine, "pytorch")


@pytest.mark.docker
def test_a_base_that_is_not_there_is_not_built(engine: docker.DockerClient, monkeypatch: pytest.MonkeyPatch) -> None:
    gone: dict[str, Any] = {"sandbox.bases.build.base_image": lambda name: f"parakh/{uuid.uuid4().hex}:latest"}
    for name, value in gone.items():
        monkeypatch.setattr(name, value)
    assert not is_built(engine, "pytorch")
