"""Where uploads are kept: a real S3 server over HTTP, and the local disk."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from challenge import intake, storage, submissions, uploads
from challenge.models import State, Submission
from challenge.storage_url import storage_settings
from challenge.worker.evaluate import evaluate_attempt
from evaluator.errors import PlatformError
from sandbox import Code
from tests import factories, s3
from tests.challenge.test_uploads import ZIP, left_behind, offset_of, send, started
from tests.challenge.workers import database_url
from tests.conftest import Site
from tests.services import free_port

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3.s3_server() as url:
        yield url


@pytest.fixture
def bucket(server: str, settings: Any) -> Iterator[str]:
    """The site keeps its uploads in the bucket, which is empty."""
    settings.STORAGES = settings.STORAGES | {"default": storage_settings(server)}
    yield server
    for key in s3.keys(server):
        s3.client(server).delete_object(Bucket=s3.BUCKET, Key=key)


def change(bucket: str, made: Submission) -> None:
    s3.client(bucket).put_object(Bucket=s3.BUCKET, Key=made.file.name, Body=b"something else")


def remove(bucket: str, made: Submission) -> None:
    s3.client(bucket).delete_object(Bucket=s3.BUCKET, Key=made.file.name)


# A bucket


def test_from_an_upload_to_a_workers_file(site: Site, bucket: str, settings: Any) -> None:
    content = factories.code_zip().read() + os.urandom(20 * 1024**2)
    alice, where, made = started(site, content)
    for at in range(0, len(content), 6 * 1024**2):
        assert send(alice, where, at, content[at : at + 6 * 1024**2]).status_code == 204
    made.refresh_from_db()
    assert made.state == State.QUEUED
    assert s3.keys(bucket) == [made.file.name]
    assert left_behind(settings) == []
    with storage.local_copy(made) as path:
        assert path.is_file()
        assert path.read_bytes() == content
        assert left_behind(settings) == []  # It has no name anybody could leave behind.
    assert not path.exists()
    storage.discard(made)
    assert s3.keys(bucket) == []


def test_a_form_comes_to_the_same(site: Site, bucket: str, settings: Any) -> None:
    made = factories.submission(site.phase, site.team, upload=SimpleUploadedFile("model.zip", ZIP))
    with storage.local_copy(made) as path:
        assert path.read_bytes() == made.file.read() == ZIP
    assert left_behind(settings) == []


def test_nobody_else_may_read_it_and_no_name_is_used_twice(site: Site, bucket: str) -> None:
    made = factories.submission(site.phase, site.team, upload=SimpleUploadedFile("model.zip", ZIP))
    grants = s3.client(bucket).get_object_acl(Bucket=s3.BUCKET, Key=made.file.name)["Grants"]
    assert [(grant["Grantee"]["Type"], grant["Permission"]) for grant in grants] == [("CanonicalUser", "FULL_CONTROL")]
    files = made.file.storage
    again = files.save(made.file.name, SimpleUploadedFile("upload", b"another"))
    assert again != made.file.name
    assert made.file.read() == ZIP


@pytest.mark.parametrize("harm", [change, remove])
def test_a_changed_or_lost_object_is_our_fault_and_never_runs(site: Site, bucket: str, harm: Any) -> None:
    made = factories.submission(site.phase, site.team)
    attempt = submissions.claim("w1", 60)
    harm(bucket, made)
    evaluate_attempt(attempt)
    attempt.refresh_from_db()
    made.refresh_from_db()
    assert (attempt.verdict, made.state, made.charged) == ("DISK_FAULT", State.QUEUED, True)
    assert made.file.name in attempt.fault


def test_a_storage_that_is_away_keeps_what_has_arrived(site: Site, settings: Any) -> None:
    port = free_port()
    settings.STORAGES = settings.STORAGES | {"default": storage_settings(s3.storage_url(port))}
    alice, where, made = started(site)
    assert send(alice, where, 0, ZIP[:1000]).status_code == 204
    refused = send(alice, where, 1000, ZIP[1000:])
    assert (refused.status_code, refused["Retry-After"]) == (503, "30")
    assert "does not answer" in refused.json()["detail"]
    assert f":{port}" not in refused.content.decode(), "nothing is told of where the bucket is"
    assert Submission.objects.get().state == State.UPLOADING
    with s3.s3_server(port) as url:
        assert offset_of(alice, where) == len(ZIP)  # Who asks for the offset has it queued.
        made.refresh_from_db()
        assert made.state == State.QUEUED
        assert s3.keys(url) == [made.file.name]
    with pytest.raises(PlatformError) as away, storage.local_copy(made):
        pass
    assert away.value.code is Code.DISK_FAULT


def test_a_form_while_the_storage_is_away_leaves_nothing(site: Site, settings: Any, client: Any) -> None:
    settings.STORAGES = settings.STORAGES | {"default": storage_settings(s3.storage_url(free_port()))}
    client.force_login(site.alice)
    page = client.post(
        f"/challenges/{site.challenge.slug}/{site.phase.slug}/submit/",
        {"kind": "code", "title": "ERFNet", "file": factories.code_zip()},
    )
    assert page.status_code == 503
    assert "does not answer" in page.content.decode()
    assert not Submission.objects.exists()
    assert left_behind(settings) == []


def test_what_is_cancelled_while_it_is_stored_leaves_no_object(site: Site, bucket: str, monkeypatch: Any) -> None:
    alice, where, made = started(site)
    keep = storage.keep

    def cancelled_behind(submission: Submission, arrived: Path) -> bool:
        kept = keep(submission, arrived)
        submissions.cancel(Submission.objects.get(pk=made.pk), by=site.bob)
        return kept

    monkeypatch.setattr(intake.storage, "keep", cancelled_behind)
    send(alice, where, 0, ZIP)
    made.refresh_from_db()
    assert made.state == State.CANCELLED
    assert s3.keys(bucket) == []


def test_a_try_to_store_that_was_killed_is_made_good(site: Site, bucket: str) -> None:
    alice, where, made = started(site)
    uploads.arrived(made).write_bytes(ZIP)
    assert storage.keep(made, uploads.arrived(made))  # ... and then the process died: nothing was queued.
    assert len(s3.keys(bucket)) == 1
    assert send(alice, where, len(ZIP), b"").status_code == 204
    made.refresh_from_db()
    assert s3.keys(bucket) == [made.file.name]


HOLD = """
import sys, time, django
django.setup()
from challenge import storage
from challenge.models import Submission
with storage.local_copy(Submission.objects.get()) as path:
    print(path.stat().st_size, flush=True)
    time.sleep(600)
"""


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_killed_leaves_no_copy(site: Site, bucket: str, tmp_path: Path) -> None:
    factories.submission(site.phase, site.team)
    worker = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "challenge.settings",
            "PARAKH_VAR": str(tmp_path / "var"),
            "TMPDIR": str(tmp_path),
            "DATABASE_URL": database_url(),
            "STORAGE_URL": bucket,
        },
        stdout=subprocess.PIPE,
    )
    try:
        assert worker.stdout
        assert int(worker.stdout.readline()) == len(factories.code_zip().read())
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    left = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "secret-key"]
    assert left == []


MEASURE = """
import hashlib, os, resource, sys, tempfile, types, django
django.setup()
from pathlib import Path
from django.core.files.storage import default_storage
from challenge import storage
from challenge.models import Submission
big = Path(sys.argv[1])
default_storage.exists("warm")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with big.open("rb") as file:
    made = Submission(file=default_storage.save("big", storage._Movable(file, str(big))))
    file.seek(0)
    made.file_sha256 = hashlib.file_digest(file, "sha256").hexdigest()
with storage.local_copy(made) as path:
    assert path.stat().st_size == big.stat().st_size
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_memory_stays_flat(server: str, tmp_path: Path) -> None:
    big = tmp_path / "big"
    with big.open("wb") as file:
        file.truncate(300 * 1024**2)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(big)],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "challenge.settings",
            "PARAKH_VAR": str(tmp_path / "var"),
            "STORAGE_URL": server,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) < 50, "MiB, for 300 MiB to the bucket and back"


# The local disk


def test_a_file_changed_on_the_disk_is_our_fault_too(site: Site) -> None:
    made = factories.submission(site.phase, site.team)
    with storage.local_copy(made) as path:
        content = path.read_bytes()
    path.write_bytes(content[:-1] + b"x")
    with pytest.raises(PlatformError, match="has changed") as found, storage.local_copy(made):
        pass
    assert found.value.code is Code.DISK_FAULT
    path.unlink()
    with pytest.raises(PlatformError, match="can't be read"), storage.local_copy(made):
        pass


def test_what_goes_wrong_in_the_evaluation_stays_what_it_is(site: Site) -> None:
    made = factories.submission(site.phase, site.team)
    with pytest.raises(OSError, match="of the run"), storage.local_copy(made):
        raise OSError("of the run")


def test_a_full_disk_keeps_what_it_took(site: Site, settings: Any) -> None:
    """A limit on the size of files stands for the disk: the kernel refuses the write in the same way."""
    alice, where, _ = started(site, ZIP + bytes(10**6))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    try:
        refused = send(alice, where, 0, ZIP + bytes(500_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    assert refused.status_code == 503
    assert offset_of(alice, where) == 300_000
    assert send(alice, where, 300_000, (ZIP + bytes(10**6))[300_000:]).status_code == 204


# STORAGE_URL


def test_an_address_of_a_bucket() -> None:
    options = storage_settings("s3://k%2Fey:s%40cret@[::1]:9000/my-bucket?region=eu-north-1&virtual_host=on")["OPTIONS"]
    assert options == {
        "endpoint_url": "https://[::1]:9000",
        "access_key": "k/ey",
        "secret_key": "s@cret",
        "bucket_name": "my-bucket",
        "region_name": "eu-north-1",
        "addressing_style": "virtual",
    }
    assert storage_settings("s3://k:s@host/bucket")["OPTIONS"]["endpoint_url"] == "https://host"
    assert storage_settings("")["BACKEND"].endswith("FileSystemStorage")


@pytest.mark.parametrize(
    ("url", "mistake"),
    [
        ("ftp://k:topsecret@host/bucket", "begin with s3"),
        ("bucket", "begin with s3"),
        ("s3://k:topsecret@host:port/bucket", "port"),
        ("s3://k:topsecret@/bucket", "no host"),
        ("s3://host/bucket", "no key"),
        ("s3://k@host/bucket", "no key"),
        ("s3://k:topsecret@host", "no name of a bucket"),
        ("s3://k:topsecret@host/a/b", "no name of a bucket"),
        ("s3://k:topsecret@host/bucket?acl=public-read", "acl"),
        ("s3://k:topsecret@host/bucket?tls=perhaps", "tls"),
    ],
)
def test_mistakes_in_it_are_named_without_the_secret(url: str, mistake: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=mistake) as found:
        storage_settings(url)
    assert "topsecret" not in str(found.value)


@pytest.mark.parametrize(
    ("url", "expected"),
    [("ftp://k:topsecret@host/x", "parakh.E020"), ("s3://k:topsecret@h/bucket?tls=off", "parakh.W020")],
)
def test_the_check_names_it_with_a_hint(url: str, expected: str, tmp_path: Path) -> None:
    secret = tmp_path / "storage"
    secret.write_text(url + "\n")
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PARAKH_VAR": str(tmp_path / "var"), "STORAGE_URL_FILE": str(secret)},
        capture_output=True,
        text=True,
        check=False,
    )
    told = done.stdout + done.stderr
    assert expected in told
    assert "HINT" in told
    assert "topsecret" not in told
    assert (done.returncode != 0) == expected.startswith("parakh.E")
