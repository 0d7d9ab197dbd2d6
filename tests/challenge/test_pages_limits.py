"""Setting the limits of a phase: what the form shows, what is refused, and in which words."""

from __future__ import annotations

import dataclasses
import html
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from challenge.forms.manage.limits import LimitsForm
from challenge.organizing.offers import HostOffer
from sandbox import PROFILES, Limits, field_info
from sandbox.limits import GIB, MIB
from tests import factories
from tests.conftest import Site

HOST = HostOffer(cpus=8, memory_bytes=32 * GIB, gpus=0, runtimes=("runc",))


@pytest.fixture(autouse=True)
def host(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same host everywhere."""
    monkeypatch.setattr(HostOffer, "of", classmethod(lambda cls, queue: HOST))


def text_of(response: Any) -> str:
    assert isinstance(response, HttpResponse)
    return html.unescape(response.content.decode())


def form_data(client: Client, site: Site, query: str = "") -> dict[str, Any]:
    """The organizer's form as the page shows it, ready to be posted."""
    response = client.get(reverse("phase_limits", args=[site.challenge.slug, site.phase.slug]) + query)
    form = response.context["limits_form"]
    return {"seen": response.context["seen"]} | {field.html_name: shown(field) for field in form}


def field_info_names() -> set[str]:
    return {field.name for field in dataclasses.fields(Limits)}


def shown(field: Any) -> str:
    """What stands in the input."""
    return str(field.field.prepare_value(field.value()))


def save(client: Client, site: Site, values: dict[str, Any]) -> Any:
    response = client.post(reverse("phase_limits", args=[site.challenge.slug, site.phase.slug]), values)
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
    small = HostOffer(cpus=2, memory_bytes=int(7.7 * GIB), gpus=0, runtimes=("runc",))
    fitted = small.fit(PROFILES["workstation"])
    assert (fitted.cpus, fitted.memory_bytes) == (2, 7 * GIB)
    assert list(small.problems(fitted)) == []


@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        ("memory_bytes", "1 gig", "“1 gig” is not a size. Write a number and a unit, such as 512 MiB or 1.5 GiB."),
        ("memory_bytes", "1 MiB", "Memory is 1 MiB; it must lie between 32 MiB and 256 GiB."),
        ("memory_bytes", "64 GiB", "Memory is 64 GiB; the evaluation hosts have 32 GiB in all. Set less."),
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


THE_REAL_ONE = HostOffer.of  # `host` above replaces it.


def test_what_the_hosts_offer_comes_from_the_settings(settings: Settings, db: None) -> None:
    settings.PARAKH_HOST_CPUS, settings.PARAKH_HOST_MEMORY_BYTES = 64, 512 * GIB
    settings.PARAKH_HOST_GPUS, settings.PARAKH_HOST_RUNTIMES = 2, ("runsc",)
    assert THE_REAL_ONE("default") == HostOffer(cpus=64, memory_bytes=512 * GIB, gpus=2, runtimes=("runsc",))


def test_where_the_settings_are_silent_this_machine_counts(settings: Settings, db: None) -> None:
    settings.PARAKH_CPUSET = "0,2-3"
    offer = THE_REAL_ONE("default")
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
        form = LimitsForm(
            {f"limits-{name}": value for name, value in (Limits().as_dict() | {field.name: low}).items()},
            initial=Limits(),
            host=HOST,
        )
        assert "it must lie between" in form.errors[field.name][0]


def test_old_attempts_keep_their_limits(client: Client, site: Site) -> None:
    made = factories.finished(site.phase, site.team)
    client.force_login(site.olga)
    save(client, site, form_data(client, site) | {"limits-memory_bytes": "2 GiB"})
    assert site.phase.limits.memory_bytes == 2 * GIB
    attempt = made.attempts.get()
    assert attempt.limits.memory_bytes == 1 * GIB
    assert "1 GiB of memory" in text_of(client.get(reverse("submission", args=[made.pk])))


def test_every_limit_has_an_input() -> None:
    form = LimitsForm(None, initial=Limits(), host=HOST)
    in_groups = [field.name for _, fields in form.groups() for field in fields]
    assert sorted(in_groups) == sorted(field_info_names())


def test_two_organizers_do_not_undo_each_others_limits(client: Client, site: Site) -> None:
    client.force_login(site.olga)
    mine = form_data(client, site) | {"limits-memory_bytes": "2 GiB"}
    save(client, site, form_data(client, site) | {"limits-pids": "64"})
    response = save(client, site, mine)
    assert response.status_code == 400
    assert "This was changed by olga" in text_of(response)
    assert site.phase.limits.memory_bytes == 1 * GIB
    assert save(client, site, mine | {"seen": response.context["seen"]}).status_code == 302
    assert site.phase.limits.memory_bytes == 2 * GIB
