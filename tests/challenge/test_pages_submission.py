"""The submission's page and its neighbours: describe, choose, download, list, compare, history; failed uploads."""

from __future__ import annotations

import datetime as dt
import html
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from challenge import intake, submissions
from challenge.models import State, Submission
from challenge.views import submission_files
from sandbox import Code
from tests import factories
from tests.conftest import Site


def page(client: Client, made: Submission) -> str:
    return html.unescape(client.get(reverse("submission", args=[made.pk])).content.decode())


def words(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


# Describing


def test_its_team_describes_it_anew(client: Client, site: Site) -> None:
    made = factories.finished(site.phase, site.team)
    client.force_login(site.bob)
    address = reverse("submission_edit", args=[made.pk])
    assert 'value="ERFNet"' in client.get(address).content.decode()
    about = {"title": "ERFNet, thin", "method": "Thinner.\n<b>Much</b> thinner.", "parameters": 412_000, "gmac": "1.5"}
    answer = client.post(address, about, follow=True)
    shown = words(html.unescape(answer.content.decode()))
    assert "Changed: title, method, number of parameters, GMAC." in shown
    for text in ("ERFNet, thin", "412 k", "1.5 G", "described anew: title, method"):
        assert text in shown
    assert "<b>Much</b>" not in answer.content.decode()


def test_who_is_not_in_the_team_does_not_describe_it(client: Client, site: Site) -> None:
    made = factories.finished(site.phase, site.team)
    for person, status in ((site.carol, 404), (site.olga, 403), (site.stella, 403)):
        client.force_login(person)
        answer = client.post(reverse("submission_edit", args=[made.pk]), {"title": "Mine"})
        assert answer.status_code == status
    made.refresh_from_db()
    assert made.title == "ERFNet"


def test_what_can_not_be_shown_comes_back_with_the_reason(client: Client, site: Site) -> None:
    made = factories.submission(site.phase, site.team)
    client.force_login(site.alice)
    answer = client.post(reverse("submission_edit", args=[made.pk]), {"title": "", "link": "javascript:alert(1)"})
    assert answer.status_code == 400
    assert "Enter a valid URL" in answer.content.decode()


# The final choice


def test_a_team_chooses_what_it_is_judged_by(client: Client, site: Site) -> None:
    worse = factories.finished(site.phase, site.team, miou=0.4, title="Worse")
    better = factories.finished(site.phase, site.team, miou=0.6, title="Better")
    client.force_login(site.alice)
    assert "Nothing is chosen, so your team is judged by its best submission" in words(page(client, worse))
    client.post(reverse("submission_choose", args=[worse.pk]))
    worse.refresh_from_db()
    assert worse.is_chosen
    assert "Your team is judged by this submission." in page(client, worse)
    assert "Your team is judged by Worse" in words(page(client, better))
    client.post(reverse("submission_choose", args=[worse.pk]), {"take_back": "1"})
    worse.refresh_from_db()
    assert not worse.is_chosen


@pytest.mark.parametrize("when", ["closed", "revealed"])
def test_after_the_end_nothing_is_chosen(when: str, client: Client, site: Site) -> None:
    made = factories.finished(site.phase, site.team)
    if when == "closed":
        site.phase.opens, site.phase.closes = (timezone.now() - dt.timedelta(days=n) for n in (9, 1))
    else:
        site.phase.revealed_at = timezone.now()
    site.phase.save()
    client.force_login(site.alice)
    assert "choose/" not in page(client, made)
    answer = client.post(reverse("submission_choose", args=[made.pk]), follow=True)
    assert "The choice stays as it was" in html.unescape(answer.content.decode())
    made.refresh_from_db()
    assert not made.is_chosen


def test_organizers_are_not_offered_a_teams_choice(client: Client, site: Site) -> None:
    made = factories.finished(site.phase, site.team)
    client.force_login(site.olga)
    assert "Final standing" not in page(client, made)


def test_who_is_disqualified_reads_why(client: Client, site: Site) -> None:
    made = factories.finished(site.phase, site.team)
    Submission.objects.filter(pk=made.pk).update(
        disqualified_at=timezone.now(), disqualified_why="Trained on the validation split <script>"
    )
    client.force_login(site.alice)
    raw = client.get(reverse("submission", args=[made.pk])).content.decode()
    assert "The organizers say: Trained on the validation split &lt;script&gt;" in raw
    assert "choose/" not in raw


# The upload again


def test_its_team_downloads_what_it_sent_and_as_a_file(client: Client, site: Site) -> None:
    upload = factories.code_zip()
    made = factories.submission(site.phase, site.team, upload=upload, file_name="../..\\evil<name>.html")
    client.force_login(site.bob)
    answer = client.get(reverse("submission_download", args=[made.pk]))
    upload.seek(0)
    assert answer.getvalue() == upload.read()
    headers = answer.headers
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"].startswith("attachment; filename=")
    assert not set("/\\<>") & set(headers["Content-Disposition"].partition("filename=")[2])
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Length"] == str(made.file_bytes)
    assert headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("model.zip", "model.zip"), ("a/b\\c.zip", "a_b_c.zip"), ('"; x="y.zip', "; x=_y.zip"), ("...", "upload"),
     ("\r\nSet-Cookie: a", "Set-Cookie_ a"), ("x" * 300 + ".tar.gz", "x" * 93 + ".tar.gz"), ("", "upload")],
)  # fmt: skip
def test_names_of_files_are_names(name: str, expected: str) -> None:
    assert submission_files.safe_name(name) == expected


def test_downloads_have_a_ceiling(client: Client, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submission_files, "MOST_DOWNLOADS", 2)
    made = factories.submission(site.phase, site.team)
    client.force_login(site.alice)
    address = reverse("submission_download", args=[made.pk])
    for _ in range(2):
        assert client.get(address).getvalue()
    answer = client.get(address, follow=True)
    assert "You have downloaded 2 files within an hour" in answer.content.decode()


def test_what_is_not_complete_or_gone_is_said(client: Client, site: Site) -> None:
    begun = submissions.begin(
        phase=site.phase, team=site.team, user=site.alice, kind="code", size=9, file_name="model.zip"
    )
    made = factories.submission(site.phase, site.team)
    Path(made.file.path).unlink()
    client.force_login(site.alice)
    for one, says in ((begun, "There is no complete upload"), (made, "does not answer just now")):
        answer = client.get(reverse("submission_download", args=[one.pk]), follow=True)
        assert says in answer.content.decode()


# Uploads that came to nothing


def test_an_upload_that_was_no_zip_says_so(client: Client, site: Site) -> None:
    begun = submissions.begin(
        phase=site.phase, team=site.team, user=site.alice, kind="code", size=9, file_name="model.zip"
    )
    with pytest.raises(submissions.Refused):
        submissions.receive(begun, 0, SimpleUploadedFile("x", b"plainly a"), 9)
    client.force_login(site.alice)
    assert "The upload was not taken: This is not a zip archive." in words(page(client, begun))


def test_an_upload_that_broke_off_says_so(client: Client, site: Site) -> None:
    begun = submissions.begin(
        phase=site.phase, team=site.team, user=site.alice, kind="code", size=9, file_name="model.zip"
    )
    Submission.objects.filter(pk=begun.pk).update(created=timezone.now() - dt.timedelta(hours=9))
    intake.drop_broken_uploads()
    client.force_login(site.alice)
    assert "The upload broke off: for 6 hours nothing came" in words(page(client, begun))


def test_an_upload_that_was_given_up_says_so(client: Client, site: Site) -> None:
    begun = submissions.begin(
        phase=site.phase, team=site.team, user=site.alice, kind="code", size=9, file_name="model.zip"
    )
    submissions.cancel(begun, by=site.alice)
    client.force_login(site.alice)
    assert "given up before it was complete" in words(page(client, begun))


# History


def test_the_history_names_workers_to_organizers_alone(client: Client, site: Site) -> None:
    made = factories.submission(site.phase, site.team)
    attempt = submissions.claim("secret-host:4242", 60)
    assert attempt is not None
    submissions.publish(attempt, factories.report(Code.RUNTIME_ERROR))
    client.force_login(site.alice)
    shown = page(client, made)
    assert "queued → evaluating" in shown
    assert "a worker" in shown
    assert "secret-host" not in shown
    client.force_login(site.olga)
    assert "secret-host" in page(client, made)


# The list


@pytest.fixture
def several(site: Site) -> dict[str, Submission]:
    other = factories.PhaseFactory(dataset=site.dataset, challenge__slug="second", challenge__title="The second")
    theirs = factories.team(other.challenge, site.alice, name="Elsewhere")
    made = {"elsewhere": factories.finished(other, theirs, title="Elsewhere")}
    made["failed"] = factories.submission(site.phase, site.team, title="Broken")
    attempt = submissions.claim("test", 60)
    assert attempt is not None
    submissions.publish(attempt, factories.report(Code.MEMORY_LIMIT))
    made["cancelled"] = factories.submission(site.phase, site.team, title="Called off")
    submissions.cancel(made["cancelled"], by=site.alice)
    made["queued"] = factories.submission(site.phase, site.team, title="In line")
    factories.submission(site.phase, site.strangers, title="Not mine")
    return made


@pytest.mark.parametrize(
    ("asked", "titles"),
    [
        ("", {"Elsewhere", "Broken", "Called off", "In line"}),
        ("?challenge=second", {"Elsewhere"}),
        ("?challenge=idd-lite", {"Broken", "Called off", "In line"}),
        ("?state=failed", {"Broken"}),
        ("?state=cancelled", {"Called off"}),
        ("?state=waiting", {"In line"}),
        ("?state=finished&challenge=second", {"Elsewhere"}),
        ("?state=finished&challenge=idd-lite", set()),
        ("?state=nonsense&challenge=other", {"Elsewhere", "Broken", "Called off", "In line"}),
    ],
)
def test_the_list_is_narrowed(
    asked: str, titles: set[str], client: Client, site: Site, several: dict[str, Submission]
) -> None:
    client.force_login(site.alice)
    shown = client.get(reverse("my_submissions") + asked).content.decode()
    rows = shown.partition("<tbody>")[2].partition("</tbody>")[0]
    found = {title for title in ("Elsewhere", "Broken", "Called off", "In line", "Not mine") if title in rows}
    assert found == titles
    if not titles:
        assert "None of your submissions is like that" in shown


def test_pages_of_a_narrowed_list_stay_narrowed(
    client: Client, site: Site, several: dict[str, Submission], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("challenge.views.paging.PAGE_SIZE", 1)
    client.force_login(site.alice)
    shown = html.unescape(client.get(reverse("my_submissions") + "?challenge=idd-lite").content.decode())
    assert 'href="?challenge=idd-lite&page=2"' in shown


def test_organizers_do_not_find_others_submissions_among_their_own(
    client: Client, site: Site, several: dict[str, Submission]
) -> None:
    client.force_login(site.olga)
    assert "In line" not in client.get(reverse("my_submissions")).content.decode()


# Two side by side


@pytest.fixture
def two(site: Site) -> tuple[Submission, Submission]:
    one = factories.finished(site.phase, site.team, title="Thin", skills=(0.5, 0.52, 0.48, 0.51))
    other = factories.finished(site.phase, site.strangers, title="Thick", skills=(0.7, 0.73, 0.69, 0.71))
    return one, other


def compared(client: Client, a: object, b: object) -> Any:
    return client.get(reverse("submission_compare"), {"a": str(a), "b": str(b)})


def test_two_are_compared_class_by_class(client: Client, site: Site, two: tuple[Submission, Submission]) -> None:
    client.force_login(site.alice)
    answer = compared(client, two[0].pk, two[1].pk)
    lines = answer.context["found"].classes
    assert [line.name for line in lines][:2] == ["mIoU", "drivable"]
    assert len(lines) == 8
    assert {line.better for line in lines} == {"b"}
    low, high = (float(end.replace("−", "-")) for end in lines[0].interval.split(" to "))
    assert low <= float(lines[0].difference) <= high
    assert low > 15
    turned = compared(client, two[1].pk, two[0].pk).context["found"].classes
    assert {line.better for line in turned} == {"a"}
    assert turned[0].difference == lines[0].difference.replace("+", "−")


def test_what_the_images_can_not_tell_apart_is_said(client: Client, site: Site) -> None:
    one = factories.finished(site.phase, site.team, skills=(0.3, 0.9, 0.5, 0.7))
    other = factories.finished(site.phase, site.strangers, skills=(0.8, 0.4, 0.72, 0.49))
    client.force_login(site.alice)
    answer = compared(client, one.pk, other.pk)
    assert {line.better for line in answer.context["found"].classes} == {""}
    assert "can’t tell" in html.unescape(answer.content.decode())


@pytest.mark.parametrize("case", ["same", "no score", "other data"])
def test_what_can_not_be_compared_is_said(
    case: str, client: Client, site: Site, two: tuple[Submission, Submission]
) -> None:
    one, other = two
    says = "Choose two different submissions."
    if case == "same":
        other = one
    elif case == "no score":
        other = factories.submission(site.phase, site.team, title="Waits")
        says = "“Waits” has no score"
    else:
        phase = factories.PhaseFactory(challenge=site.challenge, slug="second")
        other = factories.finished(phase, site.team, title="Elsewhere")
        says = "scored on different data"
    client.force_login(site.alice)
    answer = compared(client, one.pk, other.pk)
    assert answer.status_code == 200
    assert says in html.unescape(answer.content.decode())


def test_only_what_she_may_see_is_compared(client: Client, site: Site, two: tuple[Submission, Submission]) -> None:
    hidden = factories.submission(site.phase, site.strangers, title="Not public")
    client.force_login(site.alice)
    for b in (hidden.pk, "00000000-0000-0000-0000-000000000000", "nonsense", "'; DROP TABLE"):
        assert compared(client, two[0].pk, b).status_code == 404
    page = client.get(reverse("submission_compare"), {"a": str(two[0].pk)}).content.decode()
    assert "Not public" not in page
    assert "Gravel: Thick" in page


def test_a_comparison_costs_few_queries(
    client: Client, site: Site, two: tuple[Submission, Submission], django_assert_max_num_queries: Any
) -> None:
    client.force_login(site.alice)
    with django_assert_max_num_queries(12):
        assert compared(client, two[0].pk, two[1].pk).status_code == 200


@pytest.mark.parametrize("state", list(State))
def test_the_page_of_every_state_costs_few_queries(
    state: State, client: Client, site: Site, django_assert_max_num_queries: Any
) -> None:
    if state is State.UPLOADING:
        made = submissions.begin(
            phase=site.phase, team=site.team, user=site.alice, kind="code", size=9, file_name="model.zip"
        )
    else:
        made = factories.submission(site.phase, site.team)
    if state is State.CANCELLED:
        submissions.cancel(made, by=site.alice)
    elif state in (State.EVALUATING, State.FINISHED, State.FAILED):
        attempt = submissions.claim("test", 60)
        assert attempt is not None
        if state is not State.EVALUATING:
            code = Code.OK if state is State.FINISHED else Code.KILLED
            submissions.publish(attempt, factories.report(code))
    client.force_login(site.alice)
    with django_assert_max_num_queries(12):
        page(client, made)
    made.refresh_from_db()
    assert made.state == state
