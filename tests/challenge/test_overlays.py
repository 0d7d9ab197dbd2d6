"""Pictures with classes over them: of open data alone, for who may see the report, small, and asked for once."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from challenge import kept, overlays, storage
from challenge.models import Dataset, Submission
from challenge.worker import evaluate
from challenge.worker.claim import claim_next
from evaluator.datasets import Dataset as Data
from evaluator.predictions import labels_of
from tests import factories
from tests.conftest import Site
from tests.evaluator.pictures import png

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def answered(site: Site, drawn: Path, settings, monkeypatch: pytest.MonkeyPatch) -> Submission:
    """A submission of predictions on open data: every image is road, but for the first, which is as it should be."""
    factories.hosts.register(settings.PARAKH_HOST_NAME, factories.offer())
    monkeypatch.setattr("challenge.worker.claim.engine_answers", lambda: False)
    site.dataset.is_open = True
    site.dataset.save()
    site.phase.kinds = ["predictions"]
    site.phase.save()
    data = Data.open(drawn, "val")
    files = {name: png(np.zeros((128, 256), np.uint8)) for name in labels_of(data)}
    files[next(iter(files))] = png(np.minimum(data.truth(0), 6))
    made = factories.submission(
        site.phase, site.team, kind="predictions", upload=factories.predictions_zip(files), title="Mostly road"
    )
    attempt = claim_next()
    assert attempt is not None
    evaluate.evaluate_attempt(attempt)
    return again(made)


def again(made: Submission) -> Submission:
    related = ("phase__challenge", "phase__dataset", "team", "score__attempt")
    return Submission.objects.select_related(*related).get(pk=made.pk)


def address(made: Submission, number: int = 1, what: str = "answer") -> str:
    return reverse("submission_overlay", args=[made.pk, number, what])


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content)).convert("RGB")


@pytest.mark.parametrize("what", ["image", "truth", "answer"])
def test_each_picture_is_small_and_what_it_says(what: str, answered: Submission, client: Client, site: Site) -> None:
    client.force_login(site.alice)
    answer = client.get(address(answered, 2, what))
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/webp"
    assert len(answer.content) <= overlays.MOST_BYTES
    picture = opened(answer.content)
    assert picture.size == (320, 227)
    top = np.asarray(picture)[:20].reshape(-1, 3).mean(axis=0)
    if what == "answer":
        road = np.array(overlays.COLOURS[0])
        assert np.abs(top - (0.62 * road + 0.38 * 200)).max() < 60, "what was answered for the sky is road"
        assert top[0] > top[2] + 40


def test_the_page_shows_the_same_images_of_every_submission(answered: Submission, client: Client, site: Site) -> None:
    client.force_login(site.alice)
    page = client.get(reverse("submission", args=[answered.pk])).content.decode()
    for number in range(1, 5):
        assert address(answered, number, "truth") in page
    assert page.count('loading="lazy"') == 12
    assert page.count('width="320" height="227"') == 12
    assert "mIoU over it alone <strong>100.0 %</strong>" in page, "the first is as it should be"
    assert "living-things" in page.partition("overlays-title")[2], "the colours are explained"


def test_who_may_see_the_report_sees_them_and_nobody_else(answered: Submission, client: Client, site: Site) -> None:
    assert client.get(address(answered)).status_code == 200, "it is on a public board"
    site.challenge.stage = "draft"
    site.challenge.save()
    assert client.get(address(answered)).status_code == 404
    client.force_login(site.carol)
    assert client.get(address(answered)).status_code == 404
    client.force_login(site.bob)
    assert client.get(address(answered)).status_code == 200


CLOSED = {
    "secret labels": ("dataset", {"is_open": False}),
    "hidden data": ("phase", {"hidden_data": True}),
    "a private part": ("phase", {"public_share": 50}),
    "no data on this machine": ("dataset", {"path": "/nonexistent"}),
}


@pytest.mark.parametrize("why", CLOSED)
def test_nothing_is_shown_where_something_is_secret(why: str, answered: Submission, client: Client, site: Site) -> None:
    client.force_login(site.alice)
    assert client.get(address(answered)).status_code == 200, "and remembered"
    what, changes = CLOSED[why]
    row = getattr(site, what)
    row.refresh_from_db()
    for name, value in changes.items():
        setattr(row, name, value)
    row.save()
    assert client.get(address(answered)).status_code == 404
    assert "overlays-title" not in client.get(reverse("submission", args=[answered.pk])).content.decode()


def test_after_the_reveal_there_is_no_private_part(answered: Submission, site: Site) -> None:
    site.phase.public_share, site.phase.revealed_at = 50, timezone.now()
    site.phase.save()
    shown = overlays.examples(again(answered))
    assert len(shown) == 4
    answered.phase.public_share = 100


@pytest.mark.parametrize(("number", "what"), [(0, "answer"), (5, "answer"), (10**9, "truth"), (1, "labels")])
def test_there_are_no_others(number: int, what: str, answered: Submission, client: Client, site: Site) -> None:
    client.force_login(site.alice)
    assert client.get(address(answered, number, what)).status_code == 404


def test_a_picture_that_is_there_is_not_sent_again(answered: Submission, client: Client, site: Site) -> None:
    client.force_login(site.alice)
    tag = client.get(address(answered)).headers["ETag"]
    repeated = client.get(address(answered), headers={"If-None-Match": tag})
    assert (repeated.status_code, repeated.content, repeated.headers["ETag"]) == (304, b"", tag)
    assert "no-cache" in repeated.headers["Cache-Control"], "it is asked each time whether she may"
    assert client.get(address(answered, 2)).headers["ETag"] != tag


def test_one_look_into_the_zip_draws_them_all(
    answered: Submission, client: Client, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(site.alice)
    assert client.get(address(answered, 1)).status_code == 200

    def closed(attempt: object) -> None:
        raise AssertionError("the storage is asked again")

    monkeypatch.setattr(kept, "opened", closed)
    for number in (1, 2, 3, 4):
        assert client.get(address(answered, number)).status_code == 200


def test_a_storage_that_is_away_is_tried_later(
    answered: Submission, client: Client, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(name: str) -> bool:
        raise OSError("away")

    cache.clear()
    monkeypatch.setattr("django.core.files.storage.FileSystemStorage.exists", lambda self, name: away(name))
    client.force_login(site.alice)
    answer = client.get(address(answered))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    assert issubclass(storage.Away, Exception)


def test_label_maps_that_are_gone_are_no_picture(answered: Submission, client: Client, site: Site) -> None:
    attempt = answered.score.attempt
    kept.discard(attempt.predictions)
    client.force_login(site.alice)
    assert client.get(address(answered)).status_code == 404
    assert client.get(address(answered, 1, "truth")).status_code == 200


def test_even_noise_fits() -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (227, 320, 3), dtype=np.uint8))
    assert len(overlays.encoded(noise)) <= overlays.MOST_BYTES


def test_no_class_stays_grey() -> None:
    base = Image.new("RGB", (320, 227), (200, 40, 40))
    labels = np.full((128, 256), 255, np.uint8)
    labels[:, :128] = 3
    drawn = np.asarray(overlays.over(base, labels))
    assert len(set(drawn[100, 300].tolist())) == 1
    assert drawn[100, 10, 2] > drawn[100, 10, 0], "vehicles are blue"


# Which data sets are open


@pytest.mark.parametrize(
    ("options", "is_open"), [([], False), (["--open"], True), (["--drawn"], True), (["--drawn", "--open"], True)]
)
def test_drawn_scenes_are_open_and_real_ones_only_where_it_is_said(
    options: list[str], is_open: bool, drawn: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("add_dataset", "another", str(drawn), *options)
    assert Dataset.objects.get(name="another").is_open == is_open


def test_a_data_set_can_be_opened_later(drawn: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("add_dataset", "another", str(drawn))
    call_command("add_dataset", "another", str(drawn), "--open")
    assert Dataset.objects.get(name="another").is_open
    call_command("add_dataset", "another", str(drawn))
    assert Dataset.objects.get(name="another").is_open, "what is said once is not taken back by silence"
