"""Idempotency-Key: however often a request is sent, it is done once. On PostgreSQL when test_services.py runs this."""

from __future__ import annotations

import datetime as dt
import json
import time
import uuid
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from rest_framework.test import APIClient

from challenge import idempotency, intake, uploads
from challenge.models import IdempotencyKey, State, Submission, Team
from tests import factories
from tests.challenge.test_concurrency import at_once
from tests.conftest import Site

pytestmark = pytest.mark.django_db(transaction=True)

API = "/api/v1"
KEY = "2f1c9e44-6f0e-4a43-9d5e-000000000001"
ZIP = factories.code_zip().read()


class Killed(BaseException):
    """As if the process had been killed: nothing that catches exceptions gets to know."""


def client_of(user: Any) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {factories.token(user)}")
    return client


def submit(client: APIClient, site: Site, key: str = KEY, **fields: Any) -> Any:
    file = SimpleUploadedFile("model.zip", fields.pop("content", ZIP), "application/zip")
    given = {"phase": site.phase.pk, "kind": "code", "title": "ERFNet", "file": file} | fields
    return client.post(f"{API}/submissions/", given, format="multipart", headers={"Idempotency-Key": key})


def begin(client: APIClient, site: Site, key: str = KEY, **fields: Any) -> Any:
    given = {"phase": site.phase.pk, "kind": "code", "size": 100, "file_name": "model.zip"} | fields
    return client.post(f"{API}/uploads/", given, format="json", headers={"Idempotency-Key": key})


def found(client: APIClient, site: Site, key: str = KEY, name: str = "Granite") -> Any:
    other = {"challenge": site.challenge.slug, "name": name}
    return client.post(f"{API}/teams/", other, format="json", headers={"Idempotency-Key": key})


@pytest.mark.parametrize("send", [submit, begin])
def test_sent_again_it_gets_the_same_answer_and_is_done_once(site: Site, send: Any) -> None:
    alice = client_of(site.alice)
    first, again = send(alice, site), send(alice, site)
    assert first.status_code == again.status_code == 201, first.content
    assert first.json() == again.json()
    assert first.headers.get("Location") == again.headers.get("Location")
    assert ("Idempotency-Replayed" in first.headers, again.headers["Idempotency-Replayed"]) == (False, "true")
    assert Submission.objects.count() == 1


def test_a_team_is_founded_once(site: Site) -> None:
    client = client_of(factories.UserFactory())
    answers = [found(client, site) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert answers[0].json() == answers[2].json()
    assert Team.objects.filter(name="Granite").count() == 1


def test_without_a_key_nothing_is_remembered(site: Site) -> None:
    alice = client_of(site.alice)
    given = {"phase": site.phase.pk, "kind": "code", "size": 100}
    assert [alice.post(f"{API}/uploads/", given, format="json").status_code for _ in range(2)] == [201, 201]
    assert Submission.objects.count() == 2
    assert not IdempotencyKey.objects.exists()


@pytest.mark.parametrize("changed", [{"title": "Another"}, {"content": ZIP + b"x"}, {"method": "with care"}])
def test_a_key_is_for_one_request(site: Site, changed: dict[str, Any]) -> None:
    alice = client_of(site.alice)
    assert submit(alice, site).status_code == 201
    answer = submit(alice, site, **changed)
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")
    assert answer.json()["type"].endswith("#key-reused")
    assert Submission.objects.count() == 1


def test_a_key_is_for_one_address(site: Site) -> None:
    alice = client_of(site.alice)
    assert begin(alice, site).status_code == 201
    assert submit(alice, site).status_code == 422


def test_keys_of_others_are_others(site: Site) -> None:
    for person in (site.alice, site.carol):
        assert submit(client_of(person), site).status_code == 201
    assert Submission.objects.count() == 2


def test_while_it_is_under_way_one_is_told_to_ask_again(site: Site) -> None:
    alice = client_of(site.alice)
    assert submit(alice, site).status_code == 201
    IdempotencyKey.objects.update(status=None, held_until=timezone.now() + dt.timedelta(seconds=30))
    answer = submit(alice, site)
    assert (answer.status_code, answer["Retry-After"]) == (409, "1")
    assert answer.json()["type"].endswith("#in-progress")


def test_a_refusal_is_not_kept(site: Site) -> None:
    site.phase.quota_per_day = 1
    site.phase.save()
    alice = client_of(site.alice)
    assert submit(alice, site, key="one").status_code == 201
    assert submit(alice, site, key="two").status_code == 409
    assert submit(alice, site, key="three", kind="pigeon").status_code == 400
    assert IdempotencyKey.objects.count() == 1
    site.phase.quota_per_day = 3
    site.phase.save()
    assert submit(alice, site, key="two").status_code == 201
    assert submit(alice, site, key="three").status_code == 201


@pytest.mark.parametrize("send", [submit, begin])
@pytest.mark.parametrize("where", ["answered", "made"])
def test_killed_half_way_it_goes_on_when_it_is_sent_again(
    site: Site, send: Any, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(*args: Any, **kwargs: Any) -> Any:
        raise Killed

    alice = client_of(site.alice)
    with monkeypatch.context() as patched:
        if where == "answered":  # All is done, but the answer is not written down.
            patched.setattr(idempotency, "answered", kill)
        else:  # The key is taken, and no more.
            patched.setattr(intake.admission, "check_may_submit", kill)
        with pytest.raises(Killed):
            send(alice, site)
    assert send(alice, site).status_code == 409  # It may be under way still.
    IdempotencyKey.objects.update(held_until=timezone.now())
    answer = send(alice, site)
    assert answer.status_code == 201
    assert Submission.objects.count() == 1
    assert str(Submission.objects.get().pk) == answer.json()["id"] == str(IdempotencyKey.objects.get().makes)


@pytest.mark.parametrize("arrived", [False, True])
def test_killed_before_the_file_was_queued_it_is_queued_once(
    site: Site, arrived: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = client_of(site.alice)
    with monkeypatch.context() as patched:
        # A killed process clears nothing away.
        patched.setattr(intake, "_forget", lambda submission: None)

        def kill(*args: Any) -> None:
            raise Killed

        patched.setattr(intake.storage, "keep", kill) if arrived else patched.setattr(uploads, "adopt", kill)
        with pytest.raises(Killed):
            submit(alice, site)
    assert Submission.objects.get().state == State.UPLOADING
    IdempotencyKey.objects.update(held_until=timezone.now())
    answer = submit(alice, site)
    assert (answer.status_code, answer.json()["state"]) == (201, "queued")
    assert Submission.objects.get().state == State.QUEUED


def test_a_team_that_was_not_answered_was_not_founded(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(*args: Any) -> None:
        raise Killed

    client = client_of(factories.UserFactory())
    with monkeypatch.context() as patched:
        patched.setattr(idempotency, "answered", kill)
        with pytest.raises(Killed):
            found(client, site)
    assert not Team.objects.filter(name="Granite").exists()
    IdempotencyKey.objects.update(held_until=timezone.now())
    assert found(client, site).status_code == 201


def test_what_breaks_on_our_side_may_be_sent_again_at_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("broken on purpose")

    alice = client_of(site.alice)
    alice.raise_request_exception = False
    with monkeypatch.context() as patched:
        patched.setattr("challenge.api.submissions.SubmissionOut", broken)  # After it has been queued.
        assert submit(alice, site).status_code == 500
    assert submit(alice, site).status_code == 201
    assert Submission.objects.count() == 1


@pytest.mark.parametrize("key", ["", "a b", "x" * 101, "schlüssel", "\t"])
def test_a_key_that_can_not_be_kept_is_refused(site: Site, key: str) -> None:
    answer = submit(client_of(site.alice), site, key=key)
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["detail"]
    assert not Submission.objects.exists()


def test_keys_are_kept_for_a_day(site: Site) -> None:
    alice = client_of(site.alice)
    assert submit(alice, site).status_code == 201
    IdempotencyKey.objects.update(created=timezone.now() - dt.timedelta(hours=23, minutes=59))
    idempotency.sweep()
    assert submit(alice, site)["Idempotency-Replayed"] == "true"
    IdempotencyKey.objects.update(created=timezone.now() - dt.timedelta(hours=24, minutes=1))
    assert "Idempotency-Replayed" not in submit(alice, site).headers
    IdempotencyKey.objects.update(created=timezone.now() - dt.timedelta(hours=24, minutes=1))
    idempotency.sweep()
    assert not IdempotencyKey.objects.exists()
    assert Submission.objects.count() == 2


def test_nobody_keeps_more_keys_than_the_limit(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "MOST", 2)
    alice = client_of(site.alice)
    assert [begin(alice, site, key=key).status_code for key in ("one", "two")] == [201, 201]
    answer = begin(alice, site, key="three")
    assert (answer.status_code, answer["Retry-After"]) == (429, "3600")
    assert begin(alice, site, key="one").status_code == 201
    assert begin(client_of(site.carol), site, key="three").status_code == 201


def test_fifty_at_once_make_one_submission(site: Site) -> None:
    token = factories.token(site.alice)

    def send(number: int) -> tuple[int, Any]:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
        give_up = time.monotonic() + 60
        while True:
            answer = submit(client, site)
            if answer.status_code != 409 or time.monotonic() > give_up:
                return answer.status_code, answer.json()
            assert answer["Retry-After"] == "1"
            time.sleep(0.2)

    answers = at_once(50, send)
    assert {status for status, _ in answers} == {201}
    assert len({json.dumps(body, sort_keys=True) for _, body in answers}) == 1
    assert Submission.objects.count() == 1
    assert uuid.UUID(answers[0][1]["id"]) == Submission.objects.get().pk
