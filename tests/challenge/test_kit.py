"""The starter kit: what it says works, with the commands of its own README, in real containers."""

from __future__ import annotations

import io
import json
import os
import re
import secrets
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse

from challenge.models import Phase
from evaluator.datasets import Dataset
from evaluator.metrics import confusion_matrix, scores
from sandbox import Limits
from sandbox.bases.build import build
from tests.browser.site import ROOT
from tests.conftest import Site

ALL = ["code", "image", "predictions"]


def kit(client: Client, phase: Phase, target: Path, **changes: Any) -> Path:
    """Downloads and unpacks it."""
    Phase.objects.filter(pk=phase.pk).update(**changes)
    answer = client.get(reverse("starter_kit", args=[phase.challenge.slug, phase.slug]))
    assert answer.headers["Content-Disposition"] == 'attachment; filename="idd-lite-val.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        archive.extractall(target)
    (folder,) = target.iterdir()
    return folder


def commands(folder: Path) -> list[str]:
    """What stands indented in its README, in order."""
    return re.findall(r"^    (\S.*)$", (folder / "README.md").read_text(), re.M)


def run(folder: Path, command: str) -> str:
    """As a participant would, with Parakh's folder named as the README says."""
    python = f"{sys.executable}"
    command = command.replace("$PARAKH/.venv/bin/python", python)
    done = subprocess.run(
        ["bash", "-ec", command], cwd=folder, env={**os.environ, "PARAKH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def trivial(folder: Path) -> float:
    """mIoU of calling the upper half sky and the lower half road."""
    data = Dataset.open(folder / "scenes", "val")
    guess = np.zeros((128, 256), np.uint8)
    guess[:64] = 6
    return scores([confusion_matrix(data.truth(index), guess) for index in range(len(data))]).miou


@pytest.mark.docker
@pytest.mark.parametrize("contract", ["stream", "batch"])
def test_the_example_scores_at_home_by_the_one_command(
    site: Site, client: Client, tmp_path: Path, contract: str
) -> None:
    build("pytorch")
    limits = Limits(memory_bytes=512 * 1024**2, start_seconds=40, image_seconds=20, total_seconds=90)
    folder = kit(client, site.phase, tmp_path, limits_data=limits.as_dict(), contract=contract)
    (command,) = [line for line in commands(folder) if "-m evaluator run" in line]
    report = json.loads(run(folder, f"{command} --json"))
    assert report["verdict"] == "OK"
    assert report["scores"]["miou"] > 1.2 * trivial(folder)
    assert Limits.from_dict(report["limits"]) == limits

    run(folder, next(line for line in commands(folder) if line.startswith("(cd code")))
    assert zipfile.ZipFile(folder / "code.zip").namelist() == ["predict.py"]


@pytest.mark.docker
def test_the_dockerfile_makes_an_image_that_is_taken(site: Site, client: Client, tmp_path: Path) -> None:
    build("pytorch")
    folder = kit(client, site.phase, tmp_path, kinds=["image"])
    tag = f"my-model-{secrets.token_hex(4)}"  # Others may have one of the README's name.
    made, saved = (line.replace("-t my-model", f"-t {tag}") for line in commands(folder) if "docker" in line)
    saved = saved.replace("save my-model", f"save {tag}")
    try:
        run(folder, made)
        run(folder, saved)
    finally:
        subprocess.run(["docker", "rmi", tag], capture_output=True, check=False)
    (command,) = [line for line in commands(folder) if "-m evaluator run" in line]
    report = json.loads(run(folder, f"{command.replace('run code', 'run my-model.tar')} --json"))
    assert report["verdict"] == "OK"
    assert report["scores"]["miou"] > 1.2 * trivial(folder)


def test_predictions_are_made_and_scored_by_two_commands(site: Site, client: Client, tmp_path: Path) -> None:
    folder = kit(client, site.phase, tmp_path, kinds=["predictions"])
    make, score = (line for line in commands(folder) if "predictions.zip" in line and "curl" not in line)
    assert "5 label maps" in run(folder, make)
    assert json.loads(run(folder, f"{score} --json"))["miou"] > 1.2 * trivial(folder)
    text = (folder / "README.md").read_text()
    assert "Nothing of yours runs here" in text
    assert "evaluator run" not in text
    assert not (folder / "limits.json").exists()


@pytest.mark.parametrize("kinds", [["code"], ["image"], ["predictions"], ["code", "image"], ALL])
def test_it_holds_what_the_phase_takes_and_says_its_limits(
    site: Site, client: Client, tmp_path: Path, kinds: list[str]
) -> None:
    folder = kit(client, site.phase, tmp_path, kinds=kinds, quota_per_day=3)
    text = (folder / "README.md").read_text()
    assert (folder / "image").exists() == ("image" in kinds)
    assert (folder / "predictions").exists() == ("predictions" in kinds)
    assert "may send 3 submissions a day" in text
    assert f"phase={site.phase.pk} -F kind={kinds[0]}" in text
    if kinds != ["predictions"]:
        assert "| Memory | 1 GiB |" in text
        assert "| Image deadline" in text or "image" in text.lower()
    for unfilled in ("{{", "{%", "BASE_NAME", "None", "&#", "&amp;"):
        assert unfilled not in text
    assert len(list((folder / "scenes").rglob("*_image.jpg"))) == 5


def test_it_is_the_same_each_time_and_small(site: Site, client: Client) -> None:
    address = reverse("starter_kit", args=[site.challenge.slug, site.phase.slug])
    first, second = client.get(address).content, client.get(address).content
    assert first == second
    assert len(first) < 400_000


def test_pages_lead_to_it(site: Site, client: Client) -> None:
    client.force_login(site.alice)
    address = reverse("starter_kit", args=[site.challenge.slug, site.phase.slug])
    for name, arguments in (("challenge", [site.challenge.slug]), ("submit", [site.challenge.slug, site.phase.slug])):
        assert address in client.get(reverse(name, args=arguments)).content.decode()
