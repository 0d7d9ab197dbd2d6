"""The whole of compose.yaml, run for real: from an upload through nginx to the board; what strangers get; restarts."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import ssl
import threading
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import factories
from tests.deploy.stack import Stack, stack, web_is_up
from tests.services import until

pytestmark = [pytest.mark.docker, pytest.mark.services]

SEED = """
from django.contrib.auth.models import User
from tests import factories
challenge = factories.ChallengeFactory(slug="roads", title="Roads")
from challenge.models import Dataset
phase = factories.PhaseFactory(challenge=challenge, dataset=Dataset.objects.get(), slug="val")
factories.team(challenge, User.objects.create_user("alice", "alice@example.org", "password"), name="Asphalt")
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, drawn: Path) -> Iterator[Stack]:
    """Everything is up, in the order of compose.yaml, and a phase is open."""
    folder = tmp_path_factory.mktemp("stack")
    mailed = folder / "mail"
    with stack(
        folder,
        EMAIL_BACKEND="django.core.mail.backends.filebased.EmailBackend",
        EMAIL_FILE_PATH=str(mailed),
        ACCOUNT_EMAIL_VERIFICATION="none",
    ) as made:
        made.set_up()
        made.manage("add_dataset", "drawn", str(drawn), "--drawn")
        made.manage("shell", "-v0", "-c", SEED)
        for service in ("web", "worker", "beat"):
            made.start(service)
        made.start_nginx()
        web_is_up(made)
        until(made.is_ready, 90, "everything behind the site answers")
        yield made


class Browser:
    """Somebody at the site: cookies, forms."""

    def __init__(self, site: Stack) -> None:
        self._site = site
        self._opener = site.opener()

    def get(self, path: str) -> str:
        with self._opener.open(self._site.url + path, timeout=30) as answer:
            self.headers = answer.headers
            return answer.read().decode()

    def post(self, path: str, file: tuple[str, bytes] | None = None, **fields: str) -> str:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get(path))
        assert token, f"{path} has no form"
        edge = uuid.uuid4().hex
        body = b""
        for name, value in {"csrfmiddlewaretoken": token[1], **fields}.items():
            body += f'--{edge}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        if file:
            head = f'--{edge}\r\nContent-Disposition: form-data; name="{file[0]}"; filename="model.zip"\r\n\r\n'
            body += head.encode() + file[1] + b"\r\n"
        request = urllib.request.Request(
            self._site.url + path,
            body + f"--{edge}--\r\n".encode(),
            {"Content-Type": f"multipart/form-data; boundary={edge}", "Referer": self._site.url + path},
        )
        with self._opener.open(request, timeout=60) as answer:
            self.url = answer.url
            return answer.read().decode()


@pytest.fixture(scope="module")
def alice(site: Stack) -> Browser:
    browser = Browser(site)
    browser.post("/account/login/", login="alice", password="password")
    return browser


def test_an_upload_reaches_the_board(site: Stack, alice: Browser) -> None:
    alice.post(
        "/challenges/roads/val/submit/",
        ("file", factories.code_zip().read()),
        kind="code",
        base="pytorch",
        title="Zero",
    )
    assert "/submissions/" in alice.url, "the form was not taken"
    until(lambda: "Zero" in alice.get("/challenges/roads/val/leaderboard/"), 90, "it is on the board")
    until(lambda: site.healthcheck("worker") == site.healthcheck("beat") == 0, 30, "health checks pass")


def test_an_upload_in_pieces_goes_on_after_a_restart_of_the_site(site: Stack) -> None:
    """Through nginx, with a token; the address that the site gives for it is the one that nginx serves."""
    token = site.manage("make_token", "alice", "curl").stdout.strip()
    packed = factories.code_zip().read()
    opener = site.opener()

    def call(method: str, address: str, body: bytes | None = None, **headers: str) -> http.client.HTTPResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named |= {"Authorization": f"Token {token}", "Tus-Resumable": "1.0.0"}
        return opener.open(urllib.request.Request(address, body, named, method=method), timeout=30)  # type: ignore[no-any-return]

    def patch(offset: int, piece: bytes) -> None:
        kind = "application/offset+octet-stream"
        call("PATCH", upload, piece, Upload_Offset=str(offset), Content_Type=kind).close()

    about = {"phase": "1", "kind": "code", "title": "Pieces", "file_name": "model.zip", "size": str(len(packed))}
    form = urllib.parse.urlencode(about).encode()
    upload = call("POST", f"{site.url}/api/v1/uploads/", form).headers["Location"]
    assert upload.startswith(f"{site.url}/api/v1/uploads/")
    patch(0, packed[:50])
    restart(site)
    assert call("HEAD", upload).headers["Upload-Offset"] == "50"
    patch(50, packed[50:])
    assert json.load(call("GET", upload))["state"] in ("queued", "evaluating", "finished")


def test_the_request_is_known_by_one_id_from_nginx_to_the_site(site: Stack) -> None:
    """A line of JSON each, so that a program can join them."""
    with pytest.raises(urllib.error.HTTPError) as caught:
        Browser(site).get("/no-such-page")
    name = caught.value.headers["X-Request-ID"]
    assert name

    def lines(text: str) -> list[dict[str, object]]:
        return [json.loads(line) for line in text.splitlines() if name in line]

    until(lambda: lines((site.log / "access.json").read_text()), 10, "nginx has logged it")
    assert lines((site.log / "access.json").read_text())[0]["status"] == 404
    assert lines(site.text("web"))[0]["event"] == "Not Found: /no-such-page"


def test_log_lines_of_an_evaluation_carry_its_ids(site: Stack) -> None:
    lines = [json.loads(line) for line in site.text("worker").splitlines() if line.startswith("{")]
    done = [line for line in lines if line["event"] == "done"]
    assert done
    assert all({"submission", "attempt", "level", "timestamp"} <= set(line) for line in done)
    assert [line for line in site.text("web").splitlines() if not line.startswith("{")] == []


def test_security_headers_come_once(site: Stack) -> None:
    browser = Browser(site)
    browser.get("/")
    for name in ("Content-Security-Policy", "X-Frame-Options", "X-Content-Type-Options", "Strict-Transport-Security"):
        assert len(browser.headers.get_all(name) or []) == 1, name
    assert browser.headers["Server"] == "nginx"  # No version.


def test_plain_http_is_sent_to_https(site: Stack) -> None:
    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *args: object) -> None:
            return None

    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.build_opener(Stay).open(f"http://127.0.0.1:{site.http_port}/submissions/?page=2")
    assert caught.value.code == 308
    assert caught.value.headers["Location"] == f"{site.url}/submissions/?page=2"


@pytest.mark.parametrize("path", ["/metrics", "/readyz", "/metrics/", "/readyz?exclude=engine"])
def test_what_is_for_operators_is_not_outside(site: Stack, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        Browser(site).get(path)
    assert caught.value.code == 404


def test_metrics_want_the_token(site: Stack) -> None:
    request = urllib.request.Request(f"{site.web_url}/metrics")
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(request)
    request.add_header("Authorization", f"Bearer {site.secret('metrics_token')}")
    text = urllib.request.urlopen(request).read().decode()
    assert 'parakh_attempts_total{verdict="OK"}' in text


def test_a_forged_address_is_not_believed(site: Stack) -> None:
    """Rate limits count by address: who could choose it, could try passwords for ever."""
    codes = set()
    for number in range(12):
        request = urllib.request.Request(f"{site.url}/api/v1/phases/", headers={"X-Forwarded-For": f"10.0.0.{number}"})
        site.opener().open(request).close()
    for key in range(60):
        request = urllib.request.Request(f"{site.url}/api/v1/phases/", headers={"X-Forwarded-For": f"10.1.0.{key}"})
        try:
            codes.add(site.opener().open(request).status)
        except urllib.error.HTTPError as error:
            codes.add(error.code)
    assert codes == {200, 429}


def test_a_body_that_is_too_large_is_refused_but_for_uploads(site: Stack) -> None:
    def status(path: str, announced: int) -> int:
        trust = ssl.create_default_context(cafile=str(site.folder / "secrets/tls.crt"))
        host = urllib.parse.urlsplit(site.url)
        connection = http.client.HTTPSConnection("localhost", host.port, context=trust, timeout=20)
        connection.putrequest("POST", path)
        connection.putheader("Content-Length", str(announced))
        connection.endheaders(b"x")
        connection.sock.settimeout(3)
        try:
            return connection.getresponse().status
        except TimeoutError:
            return 0  # It waits for the rest.
        finally:
            connection.close()

    assert status("/account/login/", 3 * 1024**2) == 413
    assert status("/challenges/roads/val/submit/", 9 * 1024**3) == 413
    assert status("/challenges/roads/val/submit/", 3 * 1024**2) != 413


@pytest.fixture
def hammered(site: Stack) -> Iterator[list[str]]:
    """Four people who read pages all the time; the list of what they got. It must all be 200."""
    over = threading.Event()
    seen: list[str] = []

    def read() -> None:
        opener = site.opener()
        while not over.is_set():
            try:
                with opener.open(f"{site.url}/challenges/roads/", timeout=30) as answer:
                    answer.read()
                    seen.append(str(answer.status))
            except (urllib.error.URLError, OSError) as error:
                seen.append(repr(error))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    yield seen
    over.set()
    for thread in threads:
        thread.join()
    print(f"{len(seen)} requests")
    assert set(seen) == {"200"}


def test_restarts_of_the_site_fail_no_request(site: Stack, hammered: list[str]) -> None:
    """HUP: new processes come, old ones finish what they have."""
    for _ in range(3):
        more_come(hammered)
        restart(site)
    more_come(hammered)


def test_an_upgrade_fails_no_request(site: Stack, hammered: list[str]) -> None:
    """As the documentation says: the new site beside the old one, nginx told of it, the old one stopped."""
    more_come(hammered)
    new = site.start_web_beside()
    until(lambda: site.healthcheck("web") == 0, 30, "the new site answers")
    site.write_nginx_conf()
    site.processes["nginx"].send_signal(signal.SIGHUP)  # What `nginx -s reload` does.
    more_come(hammered)
    site.end("web")
    site.processes["web"] = site.processes.pop(new)
    more_come(hammered)


def more_come(seen: list[str]) -> None:
    so_far = len(seen)
    until(lambda: len(seen) > so_far + 20, 60, "requests come through")


def restart(site: Stack) -> None:
    """`kill -HUP`; returns when all processes of the site are new ones."""
    master = site.processes["web"].pid
    old = children(master)
    os.kill(master, signal.SIGHUP)
    until(lambda: old.isdisjoint(children(master)), 60, "all processes are new ones")


def children(master: int) -> set[int]:
    return set(map(int, Path(f"/proc/{master}/task/{master}/children").read_text().split()))


def test_no_worker_is_said_and_the_site_lives_on(site: Stack) -> None:
    """The last one: it takes the worker away, too."""
    site.end("worker")
    until(lambda: not site.is_ready(), 150, "no host is seen any more")
    assert site.is_ready(without="engine")
    until(lambda: site.healthcheck("beat") == 0, 30, "the beat lives on")
    assert site.healthcheck("web") == 0
