"""Uploads to a real site over real connections: curl as the guide says, the tus project's own client, kill -9."""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tusclient.client import TusClient

from tests.browser.site import ROOT, Site, running_site
from tests.services import until

MIB = 1024**2
SIZE = 20 * MIB + 17

SEED = """
import datetime as dt, django
django.setup()
from django.contrib.auth.models import User
from django.utils import timezone
from challenge import tokens
from challenge.models import Challenge, Dataset, Phase
from challenge.teams import found
challenge = Challenge.objects.create(slug="tiny", title="Tiny scenes", stage="live")
data = Dataset.objects.create(name="none", path="/nonexistent", images=1, fingerprint="0" * 64)
Phase.objects.create(
    challenge=challenge, slug="val", title="Validation", dataset=data, quota_per_day=50, quota_at_once=50,
    opens=timezone.now() - dt.timedelta(days=1), closes=timezone.now() + dt.timedelta(days=9),
)
alice = User.objects.create_user("alice", "alice@example.org", "password")
found(challenge, alice, "Asphalt")
print(tokens.make(alice, "test", None))
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("site") / "var") as running:
        running.env["TOKEN"] = running.python("-c", SEED).strip()
        running.start_web()
        yield running


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("files") / "my-model.zip"
    path.write_bytes(b"PK\x03\x04" + os.urandom(SIZE - 4))
    return path


def ask(site: Site, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any, Any]:
    """Status, headers, body."""
    address = path if path.startswith("http") else site.url + path
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    headers["Authorization"] = f"Token {site.env['TOKEN']}"
    request = urllib.request.Request(address, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def begin(site: Site, model: Path, **fields: Any) -> str:
    given = {"phase": 1, "kind": "code", "title": "x", "file_name": model.name, "size": model.stat().st_size} | fields
    status, headers, body = ask(
        site, "POST", "/api/v1/uploads/", json.dumps(given).encode(), Content_Type="application/json"
    )
    assert status == 201, body
    where: str = headers["Location"]
    return where


def offset(site: Site, where: str) -> int:
    return int(ask(site, "HEAD", where)[1]["Upload-Offset"])


def patch(site: Site, where: str, at: int, piece: bytes) -> tuple[int, Any, Any]:
    return ask(site, "PATCH", where, piece, Upload_Offset=str(at), Content_Type="application/offset+octet-stream")


def half_open(site: Site, where: str, at: int, announced: int, sent: bytes, extra: str = "") -> socket.socket:
    """A PATCH of which only a part is sent; the connection stays open."""
    line = socket.create_connection(("127.0.0.1", site.port))
    path = where.removeprefix(site.url)
    length = extra or f"Content-Length: {announced}"
    head = (
        f"PATCH {path} HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\nAuthorization: Token {site.env['TOKEN']}\r\n"
        f"Upload-Offset: {at}\r\nContent-Type: application/offset+octet-stream\r\n{length}\r\n\r\n"
    )
    line.sendall(head.encode() + sent)
    return line


def assert_arrived(site: Site, where: str, model: Path) -> None:
    found = json.loads(ask(site, "GET", where)[2])
    submission = json.loads(ask(site, "GET", f"/api/v1/submissions/{found['id']}/")[2])
    assert (found["state"], submission["state"]) == ("queued", "queued")
    assert submission["file_sha256"] == hashlib.sha256(model.read_bytes()).hexdigest()
    (stored,) = (site.var / "media" / "submissions" / found["id"]).iterdir()
    assert stored.read_bytes() == model.read_bytes()
    assert not list((site.var / "incoming").glob(f"{found['id']}*"))


def test_the_guides_curl_lines(site: Site, model: Path) -> None:
    guide = (ROOT / "docs" / "participants.md").read_text()
    first, second = re.findall(r"```sh\n(.*?)```", guide, re.DOTALL)
    first = first.replace("http://127.0.0.1:8000", site.url).replace("my-image.tar", model.name)
    first = first.replace("kind=image", "kind=code")

    def shell(script: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-euc", script], cwd=model.parent, env=site.env | more, capture_output=True, text=True, timeout=120
        )

    done = shell(first + "echo; echo $UPLOAD")
    assert done.returncode == 0, done.stderr
    where = done.stdout.split()[-1]
    assert where.startswith(site.url)
    again = {"FILE": model.name, "UPLOAD": where}
    cut = shell(second.replace("curl -f", "timeout 2 curl -f --limit-rate 4M"), **again)
    assert cut.returncode == 124, "it was to break off"
    until(lambda: offset(site, where) > MIB, 20, "the first part is there")
    rest = shell(second, **again)
    assert rest.returncode == 0, rest.stderr
    assert_arrived(site, where, model)


@pytest.mark.parametrize("checksums", [False, True])
def test_the_tus_projects_own_client(site: Site, model: Path, checksums: bool) -> None:
    client = TusClient(f"{site.url}/api/v1/uploads/", headers={"Authorization": f"Token {site.env['TOKEN']}"})
    metadata = {"phase": "1", "kind": "code", "title": "by tus", "filename": model.name}
    uploader = client.uploader(str(model), chunk_size=7 * MIB, metadata=metadata, upload_checksum=checksums)
    uploader.upload_chunk()
    resumed = client.uploader(str(model), chunk_size=7 * MIB, url=uploader.url, upload_checksum=checksums)
    assert resumed.get_offset() == 7 * MIB
    resumed.upload()
    assert_arrived(site, uploader.url, model)


def test_a_piece_that_breaks_off_keeps_what_arrived(site: Site, model: Path) -> None:
    content, where = model.read_bytes(), begin(site, model)
    half_open(site, where, 0, SIZE, content[: 3 * MIB]).close()
    until(lambda: offset(site, where) == 3 * MIB, 20, "what was sent is there")
    assert patch(site, where, 3 * MIB, content[3 * MIB :])[0] == 204
    assert_arrived(site, where, model)


def test_a_sender_that_hangs_does_not_keep_another_out(site: Site, model: Path) -> None:
    """As when a machine changes its network: the old connection is dead, and the site can't know."""
    content, where = model.read_bytes(), begin(site, model)
    hanging = half_open(site, where, 0, SIZE, content[: 2 * MIB])
    until(lambda: offset(site, where) == 2 * MIB, 20, "what was sent is there")
    assert patch(site, where, 2 * MIB, content[2 * MIB : 5 * MIB])[0] == 204
    hanging.sendall(content[2 * MIB : 4 * MIB])  # It wakes up, and is out of step.
    assert b" 409 " in hanging.recv(4096)
    hanging.close()
    assert patch(site, where, 5 * MIB, content[5 * MIB :])[0] == 204
    assert_arrived(site, where, model)


def test_the_web_process_is_killed_under_it(site: Site, model: Path) -> None:
    content, where = model.read_bytes(), begin(site, model, sha256=hashlib.sha256(model.read_bytes()).hexdigest())
    at = 0
    for share in (0.2, 0.5, 0.8):
        line = half_open(site, where, at, SIZE - at, content[at : int(share * SIZE)])
        until(lambda before=at: offset(site, where) > before, 20, "some of it is there")
        site.kill_web()
        line.close()
        site.start_web()
        at = offset(site, where)
        assert 0 < at <= int(share * SIZE)
    assert patch(site, where, at, content[at:])[0] == 204
    assert_arrived(site, where, model)


def test_a_body_of_unknown_length_is_not_taken_for_an_empty_one(site: Site, model: Path) -> None:
    where = begin(site, model)
    line = half_open(site, where, 0, 0, b"4\r\nPK\x03\x04\r\n0\r\n\r\n", extra="Transfer-Encoding: chunked")
    assert b" 411 " in line.recv(4096)
    line.close()
    assert ask(site, "DELETE", where)[0] == 204
    assert ask(site, "HEAD", where)[0] == 410


def test_many_connections_at_once_leave_one_whole_file(site: Site, model: Path) -> None:
    """Four processes of curl send the same file at the same time, each from where it is told that the upload stands."""
    where = begin(site, model)
    send = (
        "for i in $(seq 400); do O=$(curl -sI -H \"Authorization: Token $TOKEN\" $U | tr -d '\\r' | "
        "sed -n 's/^upload-offset: //Ip'); [ \"$O\" = $S ] && exit 0; curl -s -X PATCH -T $F -C $O --limit-rate 20M "
        "-H \"Upload-Offset: $O\" -H 'Content-Type: application/offset+octet-stream' "
        '-H "Authorization: Token $TOKEN" $U; done; exit 1'
    )
    given = site.env | {"U": where, "F": str(model), "S": str(SIZE)}
    racing = [subprocess.Popen(["bash", "-c", send], env=given, stdout=subprocess.DEVNULL) for _ in range(4)]
    assert [process.wait(120) for process in racing] == [0] * 4
    until(lambda: json.loads(ask(site, "GET", where)[2])["state"] == "queued", 20, "it is queued")
    assert_arrived(site, where, model)
