"""The engine the corpus is run against, a small data set, and an image of another team to be stolen from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from evaluator.datasets import Dataset
from evaluator.sample import draw_sample
from sandbox.bases.build import build
from sandbox.engine import connect
from tests.hostile.host import CANARY, Host
from tests.hostile.trials import Trials
from tests.sandbox.archives import tar_of


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """The engine, with the bases built. Fails, and never skips, where there is none."""
    build("pytorch")
    client = connect()
    yield client
    client.close()


@pytest.fixture(scope="session")
def canary(engine: docker.DockerClient) -> Iterator[str]:
    """Another team's image: one layer, with something private in it."""
    engine.api.import_image_from_data(tar_of({"private": os.urandom(16)}), *CANARY.split(":"))
    yield CANARY
    engine.images.remove(CANARY, force=True)


@pytest.fixture(scope="session")
def drawn_val(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Three drawn scenes to be scored on."""
    folder = tmp_path_factory.mktemp("hostile") / "drawn"
    draw_sample(folder, train=1, val=3, seed=3)
    return Dataset.open(folder, "val")


@pytest.fixture(scope="session")
def host() -> Host:
    return Host()


@pytest.fixture
def trials(canary: str, drawn_val: Dataset, tmp_path: Path) -> Trials:
    return Trials(drawn_val, tmp_path)
