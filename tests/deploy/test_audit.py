"""`make lint` fails on a pinned package with a known vulnerability, and says so where nobody can be asked."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from deploy import audit

PINNED = {
    name: version
    for listed in audit.LISTS
    for name, version in re.findall(r"^([a-z0-9-]+)==(\S+)", (audit.ROOT / listed).read_text(), re.M)
}


class Advisories(BaseHTTPRequestHandler):
    """Speaks as api.osv.dev does: https://google.github.io/osv.dev/post-v1-query/"""

    known: dict[str, str] = {}

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = asked["package"]["name"]
        is_bad = self.known.get(name) == asked["version"]
        affected = [{"package": {"name": name, "ecosystem": "PyPI"}, "ranges": [
            {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "999"}]}]}]  # fmt: skip
        found = {"vulns": [{"id": "PYSEC-2099-1", "summary": "A hole.", "affected": affected}]} if is_bad else {}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(found).encode())

    def log_message(self, format: str, *args: object) -> None:
        """Not on the terminal."""


@pytest.fixture
def service() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Advisories) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()


@pytest.mark.parametrize(("known", "status"), [({}, 0), ({"django": PINNED["django"]}, 1), ({"django": "0.1"}, 0)])
def test_a_vulnerable_package_fails_the_gate(
    service: str,
    known: dict[str, str],
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(Advisories, "known", known)
    assert audit.main(["--osv-url", service], ("osv",)) == status
    told = capsys.readouterr().out
    assert f"{len(PINNED)} packages asked about at osv, {status} vulnerabilities" in told
    assert (f"django {PINNED['django']} has PYSEC-2099-1; mended in 999" in told) == bool(status)


def test_without_an_answer_it_says_so_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert audit.main(["--osv-url", "http://127.0.0.1:9/v1/query"], ("osv",)) == 0
    told = capsys.readouterr().out
    assert told == "pip-audit: NOTHING WAS AUDITED, no advisory service answers (osv: ConnectionError)\n"


def test_a_mistake_in_how_it_is_called_fails() -> None:
    with pytest.raises(SystemExit, match="failed with status 2"):
        audit.main(["--no-such-option"], ("osv",))


def test_make_lint_asks() -> None:
    assert "deploy/audit.py" in (audit.ROOT / "Makefile").read_text()
