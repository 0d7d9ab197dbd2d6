"""Submitting and setting limits through the pages: what is taken, what is refused, and in which words."""

from __future__ import annotations

import dataclasses
import datetime as dt
import html
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from challenge import submissions
from challenge.forms import phases as forms
from challenge.models import State, Submission, Team
from sandbox import PROFILES, Limits, field_info
from sandbox.limits import GIB, MIB
from tests import factories
from tests.conftest import Site

HOST = forms.HostOffer(cpus=8, memory_bytes=32 * GIB, gpus=0, runtimes=("runc",))


@pytest.fixture(autouse=True)
def host(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same host everywhere."""
    monkeypatch.setattr(forms.HostOffer, "configured", classmethod(lambda cls: HOST))


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
        ({"file": SimpleUploadedFile("model.rar", b"Rar!")}, "“model.rar” does not look right: a code submission is"),
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
    page = text_of(client.post(reverse("token_create"), follow=True))
    key = site.alice.auth_token.key  # type: ignore[attr-defined]
    assert key in page
    assert key not in text_of(client.get(reverse("profile")))
    with_token = Client(headers={"authorization": f"Token {key}"})
    assert with_token.get("/api/v1/submissions/").status_code == 200
    client.post(reverse("token_revoke"))
    assert with_token.get("/api/v1/submissions/").status_code == 401


# Limits


def form_data(client: Client, site: Site, query: str = "") -> dict[str, Any]:
    """The organizer's form as the page shows it, ready to be posted."""
    response = client.get(reverse("phase_edit", args=[site.challenge.slug, site.phase.slug]) + query)
    values = {}
    for form in (response.context["phase_form"], response.context["limits_form"]):
        for field in form:
            value = field.value()
            if isinstance(value, dt.datetime):
                value = value.strftime("%Y-%m-%dT%H:%M")
            if value is not None and value is not False:
                values[field.html_name] = value if field.name not in field_info_names() else shown(field)
    return values


def field_info_names() -> set[str]:
    return {field.name for field in dataclasses.fields(Limits)}


def shown(field: Any) -> str:
    """What stands in the input."""
    return str(field.field.prepare_value(field.value()))


def save(client: Client, site: Site, values: dict[str, Any]) -> Any:
    response = client.post(reverse("phase_edit", args=[site.challenge.slug, site.phase.slug]), values)
    site.phase.refresh_from_db()
    return response


def test_saving_the_form_as_it_is_changes_nothing(client: Client, site: Site) -> None:
    site.phase.limits_data = Limits(memory_bytes=1_234_567_890, tmpfs_bytes=1536 * MIB, image_seconds=0.25).as_dict()
    site.phase.save()
    client.force_login(site.olga)
    before = site.phase.limits
    assert save(client, site, form_data(client, site)).status_code == 302
    assert site.phase.limits == before


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_fills_the_form_without_saving(name: str, client: Client, site: Site) -> None:
    client.force_login(site.olga)
    before = site.phase.limits
    values = form_data(client, site, f"?profile={name}")
    site.phase.refresh_from_db()
    assert site.phase.limits == before
    assert save(client, site, values).status_code == 302
    assert site.phase.limits == PROFILES[name].on(HOST.cpus)


def test_a_profile_is_cut_to_what_a_small_host_has() -> None:
    small = forms.HostOffer(cpus=2, memory_bytes=int(7.7 * GIB), gpus=0, runtimes=("runc",))
    fitted = small.fit(PROFILES["workstation"])
    assert (fitted.cpus, fitted.memory_bytes) == (2, 7 * GIB)
    assert list(small.problems(fitted)) == []


@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        ("memory_bytes", "1 gig", "“1 gig” is not a size. Write a number and a unit, such as 512 MiB or 1.5 GiB."),
        ("memory_bytes", "1 MiB", "Memory is 1 MiB; it must lie between 32 MiB and 256 GiB."),
        ("memory_bytes", "64 GiB", "Memory is 64 GiB; the evaluation hosts have 32.0 GiB in all. Set less."),
        ("cpus", "9", "CPU cores is 9; the evaluation hosts have 8. Set 8 or fewer."),
        ("cpus", "0", "CPU cores is 0; it must lie between 1 and 256."),
        ("cpu_quota", "1.5", "CPU quota is 1.5 on 1 cores; it can't be more than the cores"),
        ("cpus", "9" * 400, "CPU cores is a number of 400 digits; it must lie between 1 and 256."),
        ("memory_bytes", "9" * 400, "“99999999999999999999…” is not a size."),
        ("tmpfs_bytes", "9" * 19 + "g", "; it must lie between 64 KiB and 64 GiB."),
        ("pids", "many", "Enter a whole number."),
        ("image_seconds", "", "This field is required."),
        ("image_seconds", "nan", "Enter a number."),
        ("gpus", "1", "GPUs is 1; the evaluation hosts offer none."),
        ("runtime", "runsc", "Runtime is runsc; the evaluation hosts offer runc."),
    ],
)
def test_a_limit_that_can_not_be_is_refused_in_words(
    field: str, typed: str, words: str, client: Client, site: Site
) -> None:
    client.force_login(site.olga)
    before = site.phase.limits
    response = save(client, site, form_data(client, site) | {f"limits-{field}": typed})
    page = text_of(response)
    assert response.status_code == 400
    assert words in page
    assert f'id="id_limits-{field}_error"' in page
    assert site.phase.limits == before


CONFIGURED = forms.HostOffer.configured  # The real one: `host` above replaces it.


def test_what_the_hosts_offer_comes_from_the_settings(settings: Settings) -> None:
    settings.PARAKH_HOST_CPUS, settings.PARAKH_HOST_MEMORY_BYTES = 64, 512 * GIB
    settings.PARAKH_HOST_GPUS, settings.PARAKH_HOST_RUNTIMES = 2, ("runsc",)
    assert CONFIGURED() == forms.HostOffer(cpus=64, memory_bytes=512 * GIB, gpus=2, runtimes=("runsc",))


def test_where_the_settings_are_silent_this_machine_counts(settings: Settings) -> None:
    settings.PARAKH_CPUSET = "0,2-3"
    offer = CONFIGURED()
    assert (offer.cpus, offer.gpus) == (3, 0)
    assert offer.memory_bytes > 0
    assert offer.runtimes[0] == "runc"


def test_the_form_says_what_limits_itself_would_say() -> None:
    """Bounds are worded here with units; the rule is that of `Limits`."""
    for field in dataclasses.fields(Limits):
        info = field_info(field.name)
        if info.unit == "name":
            continue
        low = -1 if info.minimum == 0 else 0
        with pytest.raises(ValueError, match="must lie between"):
            Limits(**{field.name: type(field.default)(low)})
        form = forms.LimitsForm(
            {f"limits-{name}": value for name, value in (Limits().as_dict() | {field.name: low}).items()},
            initial=Limits(),
            host=HOST,
        )
        assert "it must lie between" in form.errors[field.name][0]


def test_a_phase_that_closes_before_it_opens_is_refused(client: Client, site: Site) -> None:
    client.force_login(site.olga)
    response = save(client, site, form_data(client, site) | {"closes": "2001-01-01T00:00"})
    assert "The phase must close after it opens." in text_of(response)


def test_old_attempts_keep_their_limits(client: Client, site: Site) -> None:
    made = factories.finished(site.phase, site.team)
    client.force_login(site.olga)
    save(client, site, form_data(client, site) | {"limits-memory_bytes": "2 GiB"})
    assert site.phase.limits.memory_bytes == 2 * GIB
    attempt = made.attempts.get()
    assert attempt.limits.memory_bytes == 1 * GIB
    assert "1 GiB of memory" in text_of(client.get(reverse("submission", args=[made.pk])))


def test_every_limit_has_an_input() -> None:
    form = forms.LimitsForm(None, initial=Limits(), host=HOST)
    in_groups = [field.name for _, fields in form.groups() for field in fields]
    assert sorted(in_groups) == sorted(field_info_names())
