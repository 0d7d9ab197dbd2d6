"""The API: what each of the cast may do, and what no client can."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from rest_framework.test import APIClient
from rest_framework.throttling import AnonRateThrottle

from challenge import submissions
from challenge.models import State, Submission
from sandbox import Code
from tests import factories
from tests.conftest import Site

API = "/api/v1"


def as_user(user: object) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {factories.token(user)}")
    return client


def submit(client: APIClient, phase_id: int, **fields: object):
    given = {"phase": phase_id, "kind": "code", "title": "ERFNet", "file": factories.code_zip()} | fields
    return client.post(f"{API}/submissions/", given, format="multipart")


def test_a_visitor_reads_phases_and_boards(site: Site, client: Client) -> None:
    factories.finished(site.phase, site.team, miou=0.25)
    listed = client.get(f"{API}/phases/").json()
    assert [phase["slug"] for phase in listed["results"]] == ["val"]
    one = client.get(f"{API}/phases/{site.phase.pk}/").json()
    assert one["limits"]["memory_bytes"] == 1024**3
    board = client.get(f"{API}/phases/{site.phase.pk}/leaderboard/").json()
    assert board["count"] == 1
    assert (board["results"][0]["rank"], board["results"][0]["team"]) == (1, "Asphalt")
    assert board["results"][0]["miou"] == 0.25


def test_a_visitor_submits_and_reads_nothing_else(site: Site) -> None:
    made = factories.submission(site.phase, site.team)
    visitor = APIClient()
    for answer in (
        submit(visitor, site.phase.pk),
        visitor.get(f"{API}/submissions/"),
        visitor.get(f"{API}/submissions/{made.pk}/"),
        visitor.post(f"{API}/submissions/{made.pk}/cancel/"),
    ):
        assert answer.status_code == 401
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["status"] == 401


def test_submit_read_and_cancel_with_a_token(site: Site) -> None:
    alice = as_user(site.alice)
    answer = submit(alice, site.phase.pk)
    assert answer.status_code == 201, answer.content
    shown = answer.json()
    assert (shown["state"], shown["queue_position"], shown["team"], shown["attempt"]) == ("queued", 1, "Asphalt", None)

    assert [one["id"] for one in as_user(site.bob).get(f"{API}/submissions/").json()["results"]] == [shown["id"]]
    assert as_user(site.carol).get(f"{API}/submissions/").json()["results"] == []

    cancelled = alice.post(f"{API}/submissions/{shown['id']}/cancel/")
    assert cancelled.json()["state"] == "cancelled"
    again = alice.post(f"{API}/submissions/{shown['id']}/cancel/")
    assert again.status_code == 409
    assert again.json()["detail"] == "This submission is cancelled already."


def test_a_finished_one_shows_verdict_score_and_log(site: Site) -> None:
    made = factories.finished(site.phase, site.team, miou=0.25)
    shown = as_user(site.bob).get(f"{API}/submissions/{made.pk}/").json()
    assert shown["score"]["miou"] == 0.25
    assert (shown["attempt"]["verdict"], shown["attempt"]["log"]) == ("OK", "loaded\n")
    assert "seed" not in shown["attempt"]


def test_hidden_data_hides_log_and_progress_from_the_team(site: Site) -> None:
    site.phase.hidden_data = True
    site.phase.save()
    made = factories.submission(site.phase, site.team)
    submissions.publish(submissions.claim("w", 60), factories.report(Code.RUNTIME_ERROR))
    for user, log, done in ((site.alice, "", None), (site.olga, "loaded\n", 1)):
        attempt = as_user(user).get(f"{API}/submissions/{made.pk}/").json()["attempt"]
        assert (attempt["log"], attempt["images_done"], attempt["verdict"]) == (log, done, "RUNTIME_ERROR")


@pytest.mark.parametrize(
    ("person", "status"),
    [("alice", 200), ("bob", 200), ("olga", 200), ("stella", 200), ("carol", 404), ("otto", 404)],
)
def test_who_may_read_and_cancel_a_submission(site: Site, person: str, status: int) -> None:
    made = factories.submission(site.phase, site.team)
    client = as_user(getattr(site, person))
    assert client.get(f"{API}/submissions/{made.pk}/").status_code == status
    assert client.post(f"{API}/submissions/{made.pk}/cancel/").status_code == status
    made.refresh_from_db()
    assert (made.state == State.CANCELLED) == (status == 200)


def test_ids_that_are_not_there_or_not_public_are_404(site: Site) -> None:
    hidden = factories.PhaseFactory(challenge__stage="draft")
    alice = as_user(site.alice)
    for path in (
        f"submissions/{uuid.uuid4()}/",
        f"phases/{hidden.pk}/",
        f"phases/{hidden.pk}/leaderboard/",
        "phases/999999/",
    ):
        assert alice.get(f"{API}/{path}").status_code == 404, path
    assert submit(alice, hidden.pk).status_code == 404
    assert submit(alice, 999999).status_code == 404


@pytest.mark.parametrize(
    "field", ["state", "score", "verdict", "team", "creator", "flags", "miou", "fence", "id", "turn", "charged"]
)
def test_fields_that_are_not_the_clients_are_refused_by_name(site: Site, field: str) -> None:
    answer = submit(as_user(site.alice), site.phase.pk, **{field: "1"})
    assert answer.status_code == 400
    assert field in answer.json()["errors"]
    assert not Submission.objects.exists()


def test_a_submission_can_not_be_replaced_or_deleted(site: Site) -> None:
    made = factories.submission(site.phase, site.team)
    alice = as_user(site.alice)
    for method in (alice.put, alice.delete):
        assert method(f"{API}/submissions/{made.pk}/", {"state": "finished"}).status_code == 405


@pytest.mark.parametrize(
    ("fields", "status", "detail"),
    [
        ({"kind": "pigeon"}, 400, "kind: "),
        ({"file": ""}, 400, "file: "),
        ({"phase": "x"}, 400, "phase: "),
        ({"title": "x" * 101}, 400, "title: "),
        ({"base": "windows"}, 409, "no base image"),
        ({"file": SimpleUploadedFile("a.zip", b"GIF89a")}, 409, "not a zip archive"),
        ({"file": SimpleUploadedFile("a.zip", b"")}, 409, "The file is empty"),
    ],
)
def test_mistakes_are_explained(site: Site, fields: dict[str, object], status: int, detail: str) -> None:
    answer = submit(as_user(site.alice), site.phase.pk, **fields)
    assert answer.status_code == status
    assert detail in answer.json()["detail"]
    assert answer.json()["title"]


def test_without_a_team_the_answer_says_what_to_do(site: Site) -> None:
    answer = submit(as_user(factories.UserFactory()), site.phase.pk)
    assert answer.status_code == 409
    assert "no team" in answer.json()["detail"]


def test_over_the_quota_is_a_conflict(site: Site) -> None:
    site.phase.quota_per_day = 1
    site.phase.save()
    alice = as_user(site.alice)
    assert submit(alice, site.phase.pk).status_code == 201
    assert submit(alice, site.phase.pk).status_code == 409


def test_a_session_needs_the_csrf_token(site: Site) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(site.alice)
    assert submit(client, site.phase.pk).status_code == 403


def test_pages_of_the_board(site: Site, client: Client) -> None:
    for number in range(5):
        team = factories.team(site.challenge)
        factories.finished(site.phase, team, miou=number / 10)
    url = f"{API}/phases/{site.phase.pk}/leaderboard/"
    second = client.get(url, {"page": 2, "page_size": 2}).json()
    assert [row["rank"] for row in second["results"]] == [3, 4]
    assert second["pages"] == 3
    assert second["next"].endswith("?page=3&page_size=2")
    assert second["previous"].endswith("?page=1&page_size=2")
    for strange in ("-1", "0", "x", "9" * 30, "²", ""):
        answer = client.get(url, {"page": strange, "page_size": strange})
        assert answer.status_code == 400, strange
        assert set(answer.json()["errors"]) == {"page", "page_size"}, strange


def test_the_schema_is_complete_and_valid(client: Client, db: None, tmp_path: Path) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yaml"))
    answer = client.get(f"{API}/schema/")
    assert answer.status_code == 200
    assert b"/api/v1/submissions/{id}/cancel/" in answer.content


def test_the_schema_takes_no_version_into_its_headers(client: Client, db: None) -> None:
    for version in ("x\ny", "\x00", "9"):
        answer = client.get(f"{API}/schema/", {"version": version})
        assert (answer.status_code, version in answer["Content-Disposition"]) == (200, False)


def test_too_many_parts_are_a_problem_like_any_other(site: Site) -> None:
    many = {f"x{number}": "1" for number in range(1500)}
    answer = submit(as_user(site.alice), site.phase.pk, **many)
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert answer.json()["detail"].startswith("Too many fields or files.")


def test_too_many_calls_are_throttled(site: Site, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AnonRateThrottle, "THROTTLE_RATES", {"anon": "3/min", "user": None})
    statuses = [client.get(f"{API}/phases/").status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
