"""Code, an image and predictions of the same answers, through a real worker: the same score, the same label maps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import docker
import numpy as np
import pytest
from django.core.files.uploadedfile import UploadedFile

import sandbox
from challenge import kept, leaderboard, states, submissions
from challenge.models import Attempt, State, Submission
from challenge.worker.claim import run_prefix
from evaluator.datasets import Dataset
from evaluator.predictions import labels_of
from sandbox.bases import ROOT_IMAGE
from sandbox.bases.build import build
from tests import factories
from tests.challenge.workers import Workers
from tests.conftest import Site
from tests.evaluator.pictures import png
from tests.sandbox.archives import tar_of
from tests.services import until

pytestmark = [pytest.mark.docker, pytest.mark.django_db(transaction=True)]

ROAD = png(np.zeros((227, 320), np.uint8))

SERVE = f"""
import struct, sys
answer = {ROAD!r}
def send(message):
    sys.stdout.buffer.write(struct.pack(">I", len(message)) + message)
    sys.stdout.buffer.flush()
send(b'{{"parakh": 1, "ready": true}}')
while head := sys.stdin.buffer.read(4):
    sys.stdin.buffer.read(struct.unpack(">I", head)[0])
    send(answer)
"""


@pytest.fixture
def workers(tmp_path: Path, settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workers]:
    """Worker processes on the test's database; the site's bell reaches them."""
    (tmp_path / "media").mkdir()
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.BROKER_DIR = tmp_path / "broker"
    made = Workers(tmp_path)
    monkeypatch.setattr(states, "ring_bell", made.ring)
    yield made
    made.stop_all()
    print(made.log.read_text() if made.log.exists() else "no worker was started")
    sandbox.sweep(run_prefix(), set())


@pytest.fixture
def image_tar(tmp_path: Path) -> Iterator[Path]:
    """What `docker save` writes of an image that answers each request with the same label map."""
    build("pytorch")
    engine, name = docker.from_env(), "parakh-test/all-road:latest"
    container = engine.containers.create(ROOT_IMAGE, ["true"])
    container.put_archive("/opt", tar_of({"serve.py": SERVE.encode()}))
    container.commit(*name.split(":"), conf={"Entrypoint": ["python3", "/opt/serve.py"], "WorkingDir": "/tmp"})
    container.remove()
    path = tmp_path / "model.tar"
    with path.open("wb") as file:
        for chunk in engine.images.get(name).save(named=True):
            file.write(chunk)
    yield path
    engine.images.remove(name, force=True)
    engine.close()


def test_three_kinds_in_one_phase_score_alike(site: Site, workers: Workers, drawn: Path, image_tar: Path) -> None:
    site.phase.kinds = ["code", "image", "predictions"]
    site.phase.save()
    names = list(labels_of(Dataset.open(drawn, "val")))
    with image_tar.open("rb") as file:
        uploads = {
            "code": factories.code_zip(),
            "image": UploadedFile(file, "model.tar", size=image_tar.stat().st_size),
            "predictions": factories.predictions_zip(dict.fromkeys(names, ROAD)),
        }
        made = {
            kind: factories.submission(site.phase, factories.team(site.challenge, name=kind), kind=kind, upload=upload)
            for kind, upload in uploads.items()
        }
    workers.start()

    def done() -> bool:
        return all(one.is_final for one in Submission.objects.all())

    until(done, 180, "all are done")
    attempts: dict[str, Attempt] = {}
    for kind, one in made.items():
        one.refresh_from_db()
        attempt = submissions.newest_attempt(one)
        assert attempt is not None
        attempts[kind] = attempt
        assert (one.state, attempt.verdict) == (State.FINISHED, "OK"), attempt.sentence
        assert attempt.images_done == 4
    assert len({one.score.miou for one in made.values()}) == 1
    assert len({str(one.score.confusion) for one in made.values()}) == 1

    # The way each went. (A quick stage may be over before it is written: what ran is told by its figures below.)
    ways = {kind: [step.after for step in attempt.transitions.all()] for kind, attempt in attempts.items()}
    assert "running" not in ways["predictions"]
    assert ways["predictions"][0] == "claimed"
    assert ways["predictions"][-1] == "done"

    # What the board shows of each.
    rows = {row.team.name: row for row in leaderboard.page(site.phase)}
    assert (rows["predictions"].latency, rows["predictions"].memory, rows["predictions"].size) == (None, None, None)
    assert all(rows[kind].latency and rows[kind].memory and rows[kind].size for kind in ("code", "image"))

    # What is kept of each is the same, byte for byte.
    zips = []
    for attempt in attempts.values():
        with kept.opened(attempt) as file:
            zips.append(file.read())
    assert zips[0] == zips[1] == zips[2]
