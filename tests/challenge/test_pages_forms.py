"""Submitting through the pages: what is taken, what is refused, and in which words."""

from __future__ import annotations

import datetime as dt
import html
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from challenge import submissions
from challenge.models import State, Submission, Team
from sandbox import Limits
from sandbox.limits import MIB
from tests import factories
from tests.conftest import Site


def text_of(response: Any) -> str:
    assert isinstance(response, HttpResponse)
    return html.unescape(response.content.decode())


# Submitting


def send(client: Client, site: Site, **fields: Any) -> HttpResponse:
    """Posts the submit form with a good zip and title unless told otherwise; None leaves a field out."""
    fields = {"kind": "code", "title": "ERFNet", "file": factories.code_zip()} | fields
    fields = {name: value for name, value in fields.items() if value is not None}
    return client.post(reverse("submit", args=[site.challenge.slug, site.phase.slug]), fields)  # type: ignore[return-value]


def test_a_member_submits_and_is_taken_to_its_page(client: Client, site: Site) -> None:
    client.force_login(site.bob)
    response = send(client, site)
    made = Submission.objects.get()
    assert response.headers["Location"] == reverse("submission", args=[made.pk])
    assert (made.team, made.creator, made.state) == (site.team, site.bob, State.QUEUED)
    assert "It is next" in text_of(client.get(response.headers["Location"]))


def test_the_first_submission_founds_the_team(client: Client, site: Site) -> None:
    client.force_login(site.otto)
    send(client, site, team_name="  Otto   and friends ")
    assert Submission.objects.get().team.name == "Otto and friends"


def test_a_refused_first_submission_founds_no_team(client: Client, site: Site) -> None:
    client.force_login(site.otto)
    page = text_of(send(client, site, team_name="Otto", file=SimpleUploadedFile("model.zip", b"not a zip")))
    assert "This is not a zip archive" in page
    assert not Team.objects.filter(name="Otto").exists()
    send(client, site, team_name="Ottos")
    assert Submission.objects.get().team.name == "Ottos"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"file": None}, "This field is required."),
        ({"title": ""}, "This field is required."),
        ({"kind": "predictions"}, "Select a valid choice."),
        ({"file": SimpleUploadedFile("model.zip", b"")}, "The file is empty. Choose the file again"),
        ({"file": SimpleUploadedFile("model.rar", b"Rar!")}, "“model.rar” does not look right: code means a .zip"),
        ({"kind": "image", "file": SimpleUploadedFile("model.zip", b"PK\x03\x04")}, "the .tar that docker save writes"),
        ({"file": SimpleUploadedFile("model.zip", b"plain text")}, "This is not a zip archive."),
        ({"file": SimpleUploadedFile("model.zip", b"PK\x03\x04" + b"0" * 2 * MIB)}, "this phase takes at most 1 MiB"),
    ],
    ids=["no-file", "no-title", "kind", "empty", "ending", "tar", "magic", "size"],
)  # fmt: skip
def test_what_is_wrong_with_a_submission_is_said(
    fields: dict[str, Any], words: str, client: Client, site: Site
) -> None:
    site.phase.limits_data = Limits(archive_packed_bytes=MIB).as_dict()
    site.phase.save()
    client.force_login(site.alice)
    response = send(client, site, **fields)
    assert response.status_code == 400
    assert words in text_of(response)
    assert not Submission.objects.exists()


def test_a_taken_team_name_is_said_at_its_field(client: Client, site: Site) -> None:
    client.force_login(site.otto)
    page = text_of(send(client, site, team_name="Asphalt"))
    assert "The name “Asphalt” is taken in this challenge. Choose another." in page
    assert 'id="id_team_name_error"' in page


@pytest.mark.parametrize("name", ["", "!!!", "x" * 61])
def test_a_team_needs_a_name(name: str, client: Client, site: Site) -> None:
    client.force_login(site.otto)
    assert send(client, site, team_name=name).status_code == 400


def test_the_quota_is_shown_and_its_end_is_said(client: Client, site: Site) -> None:
    site.phase.quota_at_once = 1
    site.phase.save()
    factories.submission(site.phase, site.team)
    client.force_login(site.alice)
    address = reverse("submit", args=[site.challenge.slug, site.phase.slug])
    assert "1 of 1" in text_of(client.get(address))
    assert "Wait for one to end, or cancel one." in text_of(send(client, site))
    assert Submission.objects.count() == 1


@pytest.mark.parametrize("days", [(1, 2), (-2, -1)], ids=["coming", "past"])
def test_a_phase_that_is_not_open_shows_no_form_and_takes_nothing(
    days: tuple[int, int], client: Client, site: Site
) -> None:
    site.phase.opens, site.phase.closes = (timezone.now() + dt.timedelta(days=day) for day in days)
    site.phase.save()
    client.force_login(site.alice)
    page = text_of(client.get(reverse("submit", args=[site.challenge.slug, site.phase.slug])))
    assert "This phase is not open." in page
    assert 'type="file"' not in page
    send(client, site)
    assert not Submission.objects.exists()


def test_cancelling_from_the_page(client: Client, site: Site) -> None:
    made = factories.submission(site.phase, site.team)
    client.force_login(site.bob)
    assert "Cancel this submission" in text_of(client.get(reverse("submission", args=[made.pk])))
    page = text_of(client.post(reverse("submission_cancel", args=[made.pk]), follow=True))
    assert "This submission was cancelled." in page
    assert "Cancel this submission" not in page
    again = text_of(client.post(reverse("submission_cancel", args=[made.pk]), follow=True))
    assert "This submission is cancelled already." in again


def test_an_organizer_runs_one_again_and_the_old_score_stays_meanwhile(client: Client, site: Site) -> None:
    made = factories.finished(site.phase, site.team, miou=0.5)
    client.force_login(site.olga)
    page = text_of(client.post(reverse("submission_rerun", args=[made.pk]), follow=True))
    assert "From attempt 1." in page
    assert "50.00 %" in page
    assert submissions.newest_attempt(made)
    factories.evaluate_all(0.6)
    page = text_of(client.get(reverse("submission", args=[made.pk])))
    assert "60.00 %" in page
    assert "From attempt" not in page


# The profile


def test_a_token_is_shown_once_and_works(client: Client, site: Site) -> None:
    client.force_login(site.alice)
    form = {"token-name": "laptop", "token-days": "30"}
    page = client.post(reverse("token_create"), form, follow=True).content.decode()
    found = re.search(r'<code class="token">(parakh_[0-9a-f]{64})</code>', page)
    assert found
    assert found[1] not in text_of(client.get(reverse("profile")))
    with_token = Client(headers={"authorization": f"Token {found[1]}"})
    assert with_token.get("/api/v1/submissions/").status_code == 200
    client.post(reverse("token_revoke"), {"name": "laptop"})
    assert with_token.get("/api/v1/submissions/").status_code == 401
