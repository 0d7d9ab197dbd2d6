"""Uploads in pieces: what is taken, what is refused, and what is left when they end. By the API, as clients do it."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import os
import shutil
import uuid
from typing import Any, ClassVar

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from challenge import admission, intake, submissions, uploads
from challenge.models import Phase, State, Submission
from tests import factories
from tests.conftest import Site

API = "/api/v1/uploads/"
ZIP = factories.code_zip().read() + bytes(5000)


def client_of(user: Any) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {factories.token(user)}")
    return client


def begin(client: APIClient, site: Site, content: bytes = ZIP, **fields: Any):
    given = {"phase": site.phase.pk, "kind": "code", "title": "ERFNet", "file_name": "m.zip", "size": len(content)}
    return client.post(API, given | fields)


def send(client: APIClient, where: str, offset: int, piece: bytes, **headers: str):
    return client.generic(
        "PATCH",
        where,
        piece,
        content_type="application/offset+octet-stream",
        headers={"Upload-Offset": str(offset)} | headers,
    )


def started(site: Site, content: bytes = ZIP, **fields: Any) -> tuple[APIClient, str, Submission]:
    alice = client_of(site.alice)
    answer = begin(alice, site, content, **fields)
    assert answer.status_code == 201, answer.content
    return alice, answer["Location"], Submission.objects.get(pk=answer.json()["id"])


def offset_of(client: APIClient, where: str) -> int:
    return int(client.head(where)["Upload-Offset"])


def left_behind(settings: Any) -> list[str]:
    return [path.name for path in settings.FILE_UPLOAD_TEMP_DIR.iterdir()]


def test_in_three_pieces(site: Site, settings: Any) -> None:
    alice, where, made = started(site, sha256=hashlib.sha256(ZIP).hexdigest().upper())
    assert (made.state, made.file_bytes) == (State.UPLOADING, len(ZIP))
    for piece in (slice(0, 100), slice(100, 3000), slice(3000, None)):
        assert offset_of(alice, where) == piece.start
        answer = send(alice, where, piece.start, ZIP[piece])
        assert answer.status_code == 204
        assert int(answer["Upload-Offset"]) == (piece.stop or len(ZIP))
        assert answer["Tus-Resumable"] == "1.0.0"
    made.refresh_from_db()
    assert made.state == State.QUEUED
    assert made.file_sha256 == hashlib.sha256(ZIP).hexdigest()
    assert made.file.read() == ZIP
    assert [move.after for move in made.transitions.all()] == ["queued"]
    assert left_behind(settings) == []
    assert offset_of(alice, where) == len(ZIP)
    assert send(alice, where, len(ZIP), b"").status_code == 204
    assert send(alice, where, 0, ZIP).status_code == 409
    assert alice.delete(where).status_code == 409
    assert made.transitions.count() == 1


def test_as_tus_clients_announce_it(site: Site) -> None:
    alice = client_of(site.alice)
    fields = {"phase": str(site.phase.pk), "kind": "code", "title": "नेट", "filename": "m.zip", "filetype": "x/y"}
    metadata = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in fields.items())
    answer = alice.post(
        API, headers={"Tus-Resumable": "1.0.0", "Upload-Length": str(len(ZIP)), "Upload-Metadata": metadata}
    )
    assert answer.status_code == 201, answer.content
    made = Submission.objects.get()
    assert (made.title, made.file_name, made.file_bytes) == ("नेट", "m.zip", len(ZIP))
    assert alice.options(API)["Tus-Extension"] == "creation,checksum,termination"
    old = alice.head(answer["Location"], headers={"Tus-Resumable": "0.2.2"})
    assert (old.status_code, old["Tus-Version"]) == (412, "1.0.0")
    broken = alice.post(API, headers={"Upload-Length": "9", "Upload-Metadata": "phase §§"})
    assert (broken.status_code, "not base64" in broken.json()["detail"]) == (400, True)


def test_an_offset_that_does_not_fit_is_told_the_true_one(site: Site) -> None:
    alice, where, _ = started(site)
    send(alice, where, 0, ZIP[:1000])
    for wrong in (0, 999, 1001, 10**12):
        answer = send(alice, where, wrong, b"x")
        assert (answer.status_code, answer["Upload-Offset"]) == (409, "1000")
        assert "stands at byte 1000" in answer.json()["detail"]
    assert offset_of(alice, where) == 1000


def test_more_than_was_announced_is_not_taken(site: Site) -> None:
    alice, where, made = started(site)
    assert send(alice, where, 0, ZIP + b"x").status_code == 413
    assert offset_of(alice, where) == 0
    send(alice, where, 0, ZIP[:-1])
    assert send(alice, where, len(ZIP) - 1, b"xy").status_code == 413
    assert send(alice, where, len(ZIP) - 1, ZIP[-1:]).status_code == 204
    made.refresh_from_db()
    assert made.state == State.QUEUED


def test_a_piece_with_a_wrong_checksum_is_not_kept(site: Site) -> None:
    alice, where, _ = started(site)
    for algorithm in ("sha1", "sha256"):
        right = base64.b64encode(hashlib.new(algorithm, ZIP[:99]).digest()).decode()
        refused = send(alice, where, 0, b"y" + ZIP[1:99], **{"Upload-Checksum": f"{algorithm} {right}"})
        assert (refused.status_code, refused["Upload-Offset"]) == (460, "0")
    assert send(alice, where, 0, ZIP[:99], **{"Upload-Checksum": f"sha256 {right}"}).status_code == 204
    for nonsense in ("crc32 AAAA", "sha256", "sha256 =="):
        assert send(alice, where, 99, b"z", **{"Upload-Checksum": nonsense}).status_code in (400, 460)
    assert offset_of(alice, where) == 99


def test_a_file_that_is_not_the_announced_one_ends_the_upload(site: Site, settings: Any) -> None:
    alice, where, made = started(site, sha256="0" * 64)
    answer = send(alice, where, 0, ZIP)
    assert answer.status_code == 409
    assert "not the one that was announced" in answer.json()["detail"]
    made.refresh_from_db()
    assert (made.state, made.charged) == (State.CANCELLED, False)
    assert "SHA-256" in made.transitions.get().reason
    assert left_behind(settings) == []
    assert alice.head(where).status_code == 410


def test_the_wrong_kind_of_file_is_seen_at_its_first_bytes(site: Site, settings: Any) -> None:
    alice, where, made = started(site, b"GIF89a" * 10_000)
    assert send(alice, where, 0, b"GIF").status_code == 204
    answer = send(alice, where, 3, b"89a" + bytes(600))
    assert (answer.status_code, "not a zip archive" in answer.json()["detail"]) == (409, True)
    made.refresh_from_db()
    assert (made.state, made.charged, left_behind(settings)) == (State.CANCELLED, False, [])
    alice, where, _ = started(site, b"tiny")
    assert send(alice, where, 0, b"tiny").status_code == 409


@pytest.mark.parametrize(
    ("fields", "status", "detail"),
    [
        ({"size": 0}, 409, "The file is empty"),
        ({"size": -1}, 400, "size: "),
        ({"size": 2**80}, 400, "size: "),
        ({"size": 2**39}, 409, "at most 268,435,456"),
        ({"kind": "pigeon"}, 400, "kind: "),
        ({"base": "windows"}, 409, "no base image"),
        ({"sha256": "abc"}, 400, "sha256: "),
        ({"phase": 10**6}, 404, ""),
        ({"state": "queued"}, 400, "This field can't be set"),
        ({"charged": "0"}, 400, "This field can't be set"),
        ({"file_name": "a\x00b"}, 400, "file_name: "),
    ],
)
def test_what_can_not_begin(site: Site, fields: dict[str, Any], status: int, detail: str) -> None:
    answer = begin(client_of(site.alice), site, **fields)
    assert answer.status_code == status
    assert detail in answer.json()["detail"]
    assert not Submission.objects.exists()


def test_the_quota_is_taken_before_the_first_byte(site: Site) -> None:
    site.phase.quota_per_day = 2
    site.phase.save()
    alice, where, _ = started(site)
    started(site)
    refused = begin(alice, site)
    assert (refused.status_code, "2 submissions of today" in refused.json()["detail"]) == (409, True)
    assert alice.delete(where).status_code == 204
    assert begin(alice, site).status_code == 201


def test_a_team_has_few_uploads_under_way_at_once(site: Site) -> None:
    for _ in range(intake.MOST_OPEN):
        _, where, _ = started(site)
    alice = client_of(site.alice)
    refused = begin(alice, site)
    assert (refused.status_code, "not complete" in refused.json()["detail"]) == (409, True)
    assert begin(client_of(site.carol), site).status_code == 201
    send(alice, where, 0, ZIP)
    assert begin(alice, site).status_code == 201


def test_without_room_on_the_disk_nothing_begins(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("challenge.storage.SPARE_BYTES", 2**60)
    answer = begin(client_of(site.alice), site)
    assert (answer.status_code, answer["Retry-After"]) == (503, "30")
    assert "no room" in answer.json()["detail"]
    assert not Submission.objects.exists()


def test_room_that_was_promised_is_not_promised_again(
    site: Site, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    gib = 1024**3
    site.phase.limits_data = site.phase.limits.replace(archive_packed_bytes=16 * gib).as_dict()
    site.phase.save()
    free = shutil.disk_usage(settings.FILE_UPLOAD_TEMP_DIR).free
    monkeypatch.setattr("challenge.storage.SPARE_BYTES", free - 24 * gib)
    alice = client_of(site.alice)
    first = begin(alice, site, size=16 * gib)
    assert first.status_code == 201
    assert begin(alice, site, size=16 * gib).status_code == 503
    alice.delete(first["Location"])
    assert begin(alice, site, size=16 * gib).status_code == 201


@pytest.mark.parametrize("person", ["bob", "carol", "olga", "otto", "stella"])
def test_somebody_elses_upload_is_not_there(site: Site, person: str) -> None:
    _, where, made = started(site)
    other = client_of(getattr(site, person))
    for answer in (other.head(where), other.get(where), send(other, where, 0, b"PK"), other.delete(where)):
        assert answer.status_code == 404
    made.refresh_from_db()
    assert (made.state, uploads.offset(made)) == (State.UPLOADING, 0)


def test_a_visitor_and_who_left_the_team_can_do_nothing(site: Site) -> None:
    _, where, _ = started(site)
    visitor = APIClient()
    for answer in (visitor.post(API), visitor.head(where), send(visitor, where, 0, b"PK"), visitor.delete(where)):
        assert answer.status_code == 401
    site.team.memberships.filter(user=site.alice).delete()
    assert send(client_of(site.alice), where, 0, b"PK").status_code == 404


def test_a_session_needs_the_csrf_token(site: Site) -> None:
    _, where, _ = started(site)
    browser = APIClient(enforce_csrf_checks=True)
    browser.force_login(site.alice)
    assert begin(browser, site).status_code == 403
    assert send(browser, where, 0, b"PK").status_code == 403
    assert browser.delete(where).status_code == 403


def test_ids_and_headers_that_make_no_sense(site: Site) -> None:
    alice, where, _ = started(site)
    assert alice.head(f"{API}{uuid.uuid4()}").status_code == 404
    for offset in ("", "-1", "x", "²", "9" * 40, "1e3"):
        assert send(alice, where, offset, b"PK").status_code == 400  # type: ignore[arg-type]
    plain = alice.generic("PATCH", where, b"PK", content_type="text/plain", headers={"Upload-Offset": "0"})
    assert (plain.status_code, "offset+octet-stream" in plain.json()["detail"]) == (415, True)
    assert offset_of(alice, where) == 0


def test_cancelled_while_it_arrives(site: Site, settings: Any) -> None:
    alice, where, made = started(site)
    send(alice, where, 0, ZIP[:100])
    submissions.cancel(made, by=site.bob)
    assert not made.charged
    assert send(alice, where, 100, ZIP[100:]).status_code == 410
    started(site)  # The next upload clears away what the cancelled one had brought.
    assert left_behind(settings) == []


def test_cancelled_between_two_blocks_of_one_piece(site: Site, settings: Any) -> None:
    _, _, made = started(site)

    class Cancelling:
        """A sender whose team-mate cancels at the second block."""

        def __init__(self) -> None:
            self.pieces = [ZIP[:2000], ZIP[2000:]]

        def read(self, size: int, /) -> bytes:
            if len(self.pieces) == 1:
                submissions.cancel(made, by=site.bob)
                uploads.remove(made)
            return self.pieces.pop(0)

    with pytest.raises(uploads.Over):
        submissions.receive(made, 0, Cancelling(), len(ZIP))
    made.refresh_from_db()
    assert (made.state, made.file.name, left_behind(settings)) == (State.CANCELLED, "", [])


def test_a_piece_that_breaks_off_keeps_what_came(site: Site) -> None:
    _, _, made = started(site)

    class Breaking:
        """A connection that is reset after 1,000 bytes."""

        def __init__(self) -> None:
            self.left = 2

        def read(self, size: int, /) -> bytes:
            self.left -= 1
            if self.left:
                return ZIP[:1000]
            raise ConnectionResetError

    with pytest.raises(uploads.BrokeOff):
        submissions.receive(made, 0, Breaking(), len(ZIP))
    assert uploads.offset(made) == 1000


def test_of_two_writers_at_the_same_place_one_is_out_of_step(site: Site) -> None:
    _, _, made = started(site)

    class Overtaken:
        """A slow sender: while it hesitates, the same client begins again elsewhere."""

        def __init__(self) -> None:
            self.pieces = [ZIP[:1000], ZIP[1000:2000]]

        def read(self, size: int, /) -> bytes:
            if len(self.pieces) == 1:
                assert submissions.receive(made, 1000, Other(), 500) == 1500
            return self.pieces.pop(0)

    class Other:
        def read(self, size: int, /) -> bytes:
            return ZIP[1000:1500]

    with pytest.raises(uploads.OutOfStep) as told:
        submissions.receive(made, 0, Overtaken(), 2000)
    assert told.value.offset == 1500
    assert uploads.arrived(made).read_bytes() == ZIP[:1500]


def test_cut_off_before_it_was_queued_it_is_queued_when_somebody_asks(site: Site) -> None:
    alice, where, made = started(site)
    uploads.arrived(made).write_bytes(ZIP)  # As it is when the process dies after the last byte.
    assert offset_of(alice, where) == len(ZIP)
    made.refresh_from_db()
    assert (made.state, made.file.read()) == (State.QUEUED, ZIP)


def test_cut_off_while_it_was_stored_nothing_is_stored_twice(site: Site, settings: Any) -> None:
    alice, where, made = started(site)
    uploads.arrived(made).write_bytes(ZIP)
    half = f"submissions/{made.pk}/half"
    (settings.MEDIA_ROOT / half).parent.mkdir(parents=True)
    (settings.MEDIA_ROOT / half).write_bytes(ZIP[:50])
    Submission.objects.update(file=half)
    assert send(alice, where, len(ZIP), b"").status_code == 204
    made.refresh_from_db()
    assert (made.state, made.file.read()) == (State.QUEUED, ZIP)
    assert len(list((settings.MEDIA_ROOT / half).parent.iterdir())) == 1


# Deadlines


def close(site: Site, minutes_ago: float) -> None:
    site.phase.closes = timezone.now() - dt.timedelta(minutes=minutes_ago)
    site.phase.save()


def test_begun_before_the_deadline_it_may_go_on_for_a_while(site: Site) -> None:
    alice, where, made = started(site)
    close(site, 1)
    assert begin(alice, site).status_code == 409
    assert send(alice, where, 0, ZIP).status_code == 204
    made.refresh_from_db()
    assert made.state == State.QUEUED


def test_but_not_for_longer(site: Site, settings: Any) -> None:
    alice, where, made = started(site)
    send(alice, where, 0, ZIP[:1000])
    close(site, admission.GRACE_MINUTES + 1)
    answer = send(alice, where, 1000, ZIP[1000:])
    assert (answer.status_code, "had to be complete" in answer.json()["detail"]) == (409, True)
    made.refresh_from_db()
    assert (made.state, made.charged, left_behind(settings)) == (State.CANCELLED, False, [])


def test_complete_in_time_but_cut_off_it_counts_though_asked_for_late(site: Site) -> None:
    alice, where, made = started(site)
    uploads.arrived(made).write_bytes(ZIP)
    Submission.objects.update(received_at=timezone.now() - dt.timedelta(days=1))
    close(site, 2 * admission.GRACE_MINUTES)
    alice.head(where)
    made.refresh_from_db()
    assert made.state == State.QUEUED


# What is given up


def age(hours: float, **fields: Any) -> None:
    before = timezone.now() - dt.timedelta(hours=hours)
    Submission.objects.update(**dict.fromkeys(fields, before))


def test_abandoned_ones_are_cleared_away_and_cost_nothing(site: Site, settings: Any) -> None:
    alice, where, made = started(site)
    send(alice, where, 0, ZIP[:1000])
    age(intake.ABANDONED_HOURS + 1, created=True, received_at=True)
    submissions.drop_broken_uploads()
    made.refresh_from_db()
    assert (made.state, made.charged, left_behind(settings)) == (State.CANCELLED, False, [])
    assert made.transitions.get().actor == "reaper"


def test_one_that_never_began_is_abandoned_too(site: Site) -> None:
    _, _, made = started(site)
    age(intake.ABANDONED_HOURS + 1, created=True)
    submissions.drop_broken_uploads()
    made.refresh_from_db()
    assert made.state == State.CANCELLED


def test_one_that_makes_progress_is_not_abandoned_but_not_for_ever(site: Site) -> None:
    alice, where, made = started(site)
    age(intake.ABANDONED_HOURS + 1, created=True)
    send(alice, where, 0, ZIP[:1000])
    submissions.drop_broken_uploads()
    made.refresh_from_db()
    assert (made.state, uploads.offset(made)) == (State.UPLOADING, 1000)
    age(intake.LONGEST_HOURS + 1, created=True)
    submissions.drop_broken_uploads()
    made.refresh_from_db()
    assert made.state == State.CANCELLED


def test_a_sweep_takes_only_what_is_left_over(site: Site, settings: Any) -> None:
    alice, where, made = started(site)
    send(alice, where, 0, ZIP[:1000])
    here = settings.FILE_UPLOAD_TEMP_DIR
    for name in (f"{uuid.uuid4()}.part", f"{uuid.uuid4()}.twin", "old.upload.zip", "new.upload.zip", "no-id.part"):
        (here / name).write_bytes(b"x")
    os.utime(here / "old.upload.zip", (0, 0))
    uploads.sweep()
    assert sorted(left_behind(settings)) == sorted([f"{made.pk}.part", "new.upload.zip", "no-id.part"])
    for name in ("new.upload.zip", "no-id.part"):
        (here / name).unlink()


# Files in forms


def test_a_form_that_was_cut_off_by_a_crash_can_go_on(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the row and the disk hold when the web process dies between the last byte and the queue."""
    monkeypatch.setattr(intake, "_forget", lambda submission: None)  # A killed process forgets nothing.
    monkeypatch.setattr(intake, "_keep", lambda submission: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        factories.submission(site.phase, site.team, upload=SimpleUploadedFile("m.zip", ZIP), user=site.alice)
    monkeypatch.undo()
    made = Submission.objects.get()
    assert (made.state, made.file_bytes) == (State.UPLOADING, len(ZIP))
    assert offset_of(client_of(site.alice), f"{API}{made.pk}") == len(ZIP)
    made.refresh_from_db()
    assert (made.state, made.file.read()) == (State.QUEUED, ZIP)


class Noting(TemporaryFileUploadHandler):
    """Writes files to the disk, and a note of it."""

    seen: ClassVar[list[int]] = []

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.seen.append(len(raw_data))
        super().receive_data_chunk(raw_data, start)


def test_a_strangers_file_is_not_written_to_the_disk(site: Site, client: Client, settings: Any) -> None:
    settings.FILE_UPLOAD_HANDLERS = [settings.FILE_UPLOAD_HANDLERS[0], "tests.challenge.test_uploads.Noting"]
    seen = Noting.seen
    seen.clear()
    form = {"login": "alice", "password": "wrong", "file": factories.code_zip()}
    assert client.post("/account/login/", form).status_code == 200
    assert seen == []
    client.force_login(site.alice)
    page = f"/challenges/{site.challenge.slug}/{site.phase.slug}/submit/"
    assert client.post(page, {"kind": "code", "title": "x", "file": factories.code_zip()}).status_code == 302
    assert len(seen) == 1


def test_a_form_with_more_than_any_phase_takes_is_cut_short(site: Site, client: Client, settings: Any) -> None:
    Phase.objects.update(
        limits_data=site.phase.limits.replace(archive_packed_bytes=1024, image_packed_bytes=1024**2).as_dict()
    )
    before = left_behind(settings)
    large = SimpleUploadedFile("a.zip", b"PK\x03\x04" + bytes(3 * 1024**2))
    answer = client_of(site.alice).post(
        "/api/v1/submissions/", {"phase": site.phase.pk, "kind": "code", "file": large}, format="multipart"
    )
    assert (answer.status_code, answer.json()["detail"]) == (413, "The file is larger than any phase here takes.")
    client.force_login(site.alice)
    large.seek(0)
    page = f"/challenges/{site.challenge.slug}/{site.phase.slug}/submit/"
    assert client.post(page, {"kind": "code", "title": "x", "file": large}).status_code == 400
    assert left_behind(settings) == before


def test_the_submission_page_says_that_it_is_not_complete(site: Site, client: Client) -> None:
    _, _, made = started(site)
    client.force_login(site.bob)
    assert "not complete yet" in client.get(f"/submissions/{made.pk}/").content.decode()
