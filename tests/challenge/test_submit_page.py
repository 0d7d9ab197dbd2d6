"""What the submit page asks, by what a phase takes, and what is kept of the answers; the API alike."""

from __future__ import annotations

import html
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from challenge import describing, submissions
from challenge.admission import Description
from challenge.models import BoardRow, Submission
from sandbox import Limits
from sandbox.limits import MIB
from tests import factories
from tests.conftest import Site


def address(site: Site) -> str:
    return reverse("submit", args=[site.challenge.slug, site.phase.slug])


def takes(site: Site, *kinds: str, **limits: Any) -> None:
    site.phase.kinds = list(kinds)
    site.phase.limits_data = Limits(**limits).as_dict()
    site.phase.save()


def page(client: Client, site: Site) -> str:
    return html.unescape(client.get(address(site)).content.decode())


def upload(kind: str) -> SimpleUploadedFile:
    if kind == "code":
        return factories.code_zip()
    if kind == "predictions":
        return factories.predictions_zip({"a_label.png": b"x"})
    return SimpleUploadedFile("model.tar", bytes(257) + b"ustar" + bytes(300))


@pytest.mark.parametrize(
    "kinds",
    [("code",), ("image",), ("predictions",), ("code", "image"), ("code", "image", "predictions")],
    ids="+".join,
)
def test_a_phase_takes_its_kinds_and_no_others(kinds: tuple[str, ...], client: Client, site: Site) -> None:
    takes(site, *kinds)
    client.force_login(site.alice)
    shown = page(client, site)
    for kind in ("code", "image", "predictions"):
        assert (f'value="{kind}"' in shown) == (kind in kinds)
        answer = client.post(address(site), {"kind": kind, "title": kind, "file": upload(kind)})
        assert answer.status_code == (302 if kind in kinds else 400)
    assert {made.kind for made in Submission.objects.all()} == set(kinds)
    assert ("DRIVE/FRAME_label.png" in shown) == ("predictions" in kinds)
    assert ("Limits of the run" in shown) == (kinds != ("predictions",))


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("labels.tar", b"x", "predictions means a .zip of label maps"),
        ("labels.zip", b"plain text", "This is not a zip archive. Predictions are a .zip of label maps"),
        ("labels.zip", b"PK\x03\x04" + bytes(2 * MIB), "this phase takes at most 1 MiB. One label map an image"),
        ("labels.zip", b"", "The file is empty"),
    ],
)
def test_what_is_no_zip_of_predictions_is_said(
    name: str, content: bytes, says: str, client: Client, site: Site
) -> None:
    takes(site, "predictions", archive_packed_bytes=MIB)
    client.force_login(site.alice)
    sent = {"kind": "predictions", "title": "x", "file": SimpleUploadedFile(name, content)}
    answer = client.post(address(site), sent)
    assert answer.status_code == 400
    assert says in html.unescape(answer.content.decode())
    assert not Submission.objects.exists()


def test_the_base_image_is_asked_where_there_is_a_choice(client: Client, site: Site, settings: Any) -> None:
    client.force_login(site.alice)
    settings.PARAKH_BASES = ("pytorch",)
    assert 'name="base"' not in page(client, site)
    settings.PARAKH_BASES = ("pytorch", "onnx")
    assert "ONNX Runtime" in page(client, site)
    sent = {"kind": "code", "title": "x", "base": "onnx", "file": factories.code_zip()}
    assert client.post(address(site), sent).status_code == 302
    assert Submission.objects.get().base == "onnx"
    takes(site, "image")
    assert 'name="base"' not in page(client, site)
    takes(site, "code")
    assert client.post(address(site), sent | {"base": "latex", "file": factories.code_zip()}).status_code == 400


ABOUT = {
    "title": "ERFNet",
    "method": "Distilled from a larger one.",
    "link": "https://example.org/paper",
    "parameters": 412_000,
    "gmac": 1.25,
}


def test_what_a_team_says_of_its_model_is_kept(client: Client, site: Site) -> None:
    client.force_login(site.alice)
    client.post(address(site), ABOUT | {"kind": "code", "file": factories.code_zip()})
    begun = client.post(address(site) + "begin/", ABOUT | {"kind": "code", "file_name": "model.zip", "size": 9})
    assert begun.status_code == 201
    for made in Submission.objects.all():
        assert {name: getattr(made, name) for name in ABOUT} == ABOUT


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"link": "javascript:alert(1)"}, "link"),
    ({"link": "ftp://example.org/x"}, "link"),
    ({"link": "https://example.org/" + "x" * 200}, "link"),
    ({"parameters": -1}, "parameters"),
    ({"parameters": 10**14}, "parameters"),
    ({"gmac": "nan"}, "gmac"),
    ({"gmac": "inf"}, "gmac"),
    ({"gmac": 10**8}, "gmac"),
    ({"method": "x" * 1001}, "method"),
]


@pytest.mark.parametrize(("wrong", "field"), WRONG)
def test_what_can_not_be_shown_is_refused_at_its_field(
    wrong: dict[str, Any], field: str, client: Client, site: Site
) -> None:
    client.force_login(site.alice)
    answer = client.post(address(site), ABOUT | wrong | {"kind": "code", "file": factories.code_zip()})
    assert answer.status_code == 400
    assert f'id="id_{field}_error"' in answer.content.decode()
    assert '<details class="more" open>' in answer.content.decode(), "the fold with the mistake is open"


def api(user: Any) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.mark.parametrize(("wrong", "field"), WRONG)
def test_the_api_refuses_the_same(wrong: dict[str, Any], field: str, site: Site) -> None:
    sent = ABOUT | wrong | {"phase": site.phase.pk, "kind": "code", "file": factories.code_zip()}
    answer = api(site.alice).post("/api/v1/submissions/", sent, format="multipart")
    assert answer.status_code in (400, 409)
    assert field in answer.json()["detail"].lower()
    assert not Submission.objects.exists()


def test_predictions_over_the_api(site: Site) -> None:
    sent = ABOUT | {"phase": site.phase.pk, "kind": "predictions", "file": upload("predictions")}
    refused = api(site.alice).post("/api/v1/submissions/", sent, format="multipart")
    assert (refused.status_code, refused.json()["detail"]) == (
        409,
        "This phase takes no submissions of the kind 'predictions'; it takes code, image.",
    )
    takes(site, "code", "predictions")
    sent["file"].seek(0)
    made = api(site.alice).post("/api/v1/submissions/", sent, format="multipart")
    assert made.status_code == 201
    assert {name: made.json()[name] for name in ABOUT} == ABOUT
    assert (made.json()["kind"], made.json()["base"]) == ("predictions", "")
    begun = {"phase": site.phase.pk, "kind": "predictions", "size": 10, "file_name": "a.zip"}
    assert api(site.alice).post("/api/v1/uploads/", ABOUT | begun, format="json").status_code == 201


# Described anew


def test_what_is_described_anew_is_in_the_history_and_on_the_board(site: Site) -> None:
    made = factories.finished(site.phase, site.team)
    changed = describing.describe(made, Description(title="ERFNet, thin", parameters=9), site.bob)
    assert changed == ["title", "number of parameters"]
    assert (made.title, made.parameters) == ("ERFNet, thin", 9)
    last = made.transitions.last()
    assert (last.actor, last.reason) == ("bob", "described anew: title, number of parameters")
    assert (last.before, last.after) == ("finished", "finished")
    assert set(BoardRow.objects.values_list("parameters", flat=True)) == {9}
    assert describing.describe(made, Description(title="ERFNet, thin", parameters=9), site.bob) == []


def test_describing_changes_nothing_that_was_measured(site: Site) -> None:
    made = factories.finished(site.phase, site.team)
    before = Submission.objects.filter(pk=made.pk).values().get()
    describing.describe(made, Description(title="", link=" http://example.org/x "), site.alice)
    after = Submission.objects.filter(pk=made.pk).values().get()
    assert {name for name in after if after[name] != before[name]} == {"link"}
    assert after["title"] == before["title"], "no title is none at all"


@pytest.mark.parametrize("link", ["javascript:alert(1)", "https://example.org/\n x", "data:text/html,x"])
def test_the_service_itself_keeps_no_address_that_is_none(link: str, site: Site) -> None:
    made = factories.submission(site.phase, site.team)
    with pytest.raises(submissions.Refused, match="begins with https"):
        describing.describe(made, Description(link=link), site.alice)


def test_a_history_has_an_end(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(describing, "MOST_EDITS", 2)
    made = factories.submission(site.phase, site.team)
    for number in range(2):
        describing.describe(made, Description(title=f"Title {number}"), site.alice)
    with pytest.raises(submissions.Refused, match="changed 2 times already"):
        describing.describe(made, Description(title="Title 3"), site.alice)
    made.refresh_from_db()
    assert made.title == "Title 1"
