"""What holds at every address: headers, methods, forged forms, redirects, hosts, cookies."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import LazySettings
from django.conf import settings as site_settings
from django.contrib.auth.models import User
from django.db import OperationalError
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from challenge.middleware import METHODS
from challenge.presentation import errors
from tests import factories
from tests.conftest import Site
from tests.urls import every_pattern, filled

ADDRESSES = {name: reverse(name, kwargs=filled(pattern)) for name, pattern in every_pattern()}

ROOT = Path(__file__).resolve().parents[2]

HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

EXEMPT = {"mail_stop"}
"""Pressed by mail programs, in one click and without a page (RFC 8058): the address is the secret."""


def staff_client(**given: Any) -> Client:
    client = Client(**given)
    client.force_login(factories.UserFactory(is_staff=True, is_superuser=True))
    client.raise_request_exception = False
    return client


def break_down(*args: object) -> None:
    raise RuntimeError("broken on purpose")


def is_strict(response: Any) -> None:
    policy = response["Content-Security-Policy"]
    for directive in ("default-src 'self'", "script-src 'self'", "object-src 'none'", "base-uri 'none'"):
        assert directive in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "camera=()" in response["Permissions-Policy"]
    assert {name: response[name] for name in HEADERS} == HEADERS


@pytest.mark.parametrize(
    ("address", "given", "status"),
    [
        ("/", {}, 200),
        ("/nothing/", {}, 404),
        ("/profile/", {}, 302),
        ("/", {"headers": {"Host": "evil.example"}}, 400),
        ("/healthz", {}, 200),
        ("/admin/", {}, 302),
        ("/api/v1/phases/", {}, 200),
        ("/api/v1/schema/", {}, 200),
        ("/api/v1/submissions/", {}, 401),
        ("/api/v1/nothing/", {}, 404),
        ("/docs/images/leaderboard.png", {}, 200),
        ("/account/login/", {}, 200),
    ],
)
def test_every_answer_keeps_browsers_strict(
    client: Client, site: Site, address: str, given: dict[str, Any], status: int
) -> None:
    response = client.get(address, **given)
    assert response.status_code == status
    is_strict(response)


def test_every_address_keeps_browsers_strict(site: Site) -> None:
    for name, address in ADDRESSES.items():
        response = staff_client().get(address)
        assert response.status_code < 500 or name == "readyz", name
        is_strict(response)


def test_errors_keep_browsers_strict_too(client: Client, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("challenge.permissions.visible_challenges", break_down)
    client.raise_request_exception = False
    for response, status in ((client.get("/"), 500), (client.put("/"), 405), (client.post("/profile/tokens/"), 302)):
        assert response.status_code == status
        is_strict(response)


def test_https_is_asked_for_and_remembered(client: Client, site: Site, settings: LazySettings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_HSTS_SECONDS = 3600
    plain = client.get("/docs/", secure=False)
    assert (plain.status_code, plain["Location"]) == (301, "https://testserver/docs/")
    is_strict(plain)
    assert client.get("/docs/", secure=True)["Strict-Transport-Security"] == "max-age=3600"


def test_nothing_is_done_for_a_form_without_its_token(site: Site) -> None:
    client = staff_client(enforce_csrf_checks=True)
    for name, address in ADDRESSES.items():
        if name in EXEMPT:
            continue
        for method in ("post", "put", "patch", "delete"):
            response = getattr(client, method)(address)
            is_page = method != "post" and not address.startswith("/api/")  # Not taken at all.
            assert response.status_code == (405 if is_page else 403), f"{method} {name}"


def test_pages_take_no_method_they_do_not_know(site: Site) -> None:
    client = staff_client()
    for name, address in ADDRESSES.items():
        if address.startswith("/api/"):
            continue
        for method in ("PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"):
            response = client.generic(method, address)
            assert response.status_code == 405, f"{method} {name}"
            assert set(response["Allow"].split(", ")) == METHODS


def test_what_takes_no_post_says_so_in_words(client: Client, site: Site) -> None:
    response = client.post("/docs/")
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")
    assert errors.METHOD.title in response.content.decode().replace("&#x27;", "'")


ELSEWHERE = (
    "https://evil.example/", "//evil.example/", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)",
    "https:evil.example", "///evil.example", "https://testserver@evil.example/", "\thttps://evil.example",
)  # fmt: skip


def test_no_address_sends_people_elsewhere(site: Site) -> None:
    client = staff_client()
    user = User.objects.get(pk=client.session["_auth_user_id"])
    for name, address in ADDRESSES.items():
        if name.startswith(("admin:challenge_", "admin:auth_", "admin:account_")):
            continue  # Lists and forms of records: all alike, and Django's.
        given = dict.fromkeys(("next", "redirect_to", "url", "back"), ELSEWHERE[1])
        is_ours(client.get(address, given))
        is_ours(client.post(address, given))
        client.force_login(user)  # One of them has logged her out.


@pytest.mark.parametrize("target", ELSEWHERE)
@pytest.mark.parametrize("address", ["/account/login/", "/account/logout/", "/account/signup/", "/admin/login/"])
def test_logging_in_and_out_leads_to_no_other_site(address: str, target: str, client: Client, site: Site) -> None:
    if address == "/account/logout/":
        client.force_login(site.alice)
    person = {"login": "alice", "password": "password"}
    new = {"username": "dora", "email": "d@example.org", "password1": "touch-stone-7", "password2": "touch-stone-7"}
    response = client.post(f"{address}?next={quote(target)}", {"next": target, **person, **new})
    assert 300 <= response.status_code < 400
    is_ours(response)
    is_ours(client.get(address, {"next": target}))


def is_ours(response: Any) -> None:
    if 300 <= response.status_code < 400 and "Location" in response:
        assert response["Location"].startswith(("/", "http://testserver/", "?")), response["Location"]
        assert not response["Location"].startswith(("//", "/\\")), response["Location"]


def test_a_log_in_leads_on_to_a_page_of_this_site(client: Client, site: Site) -> None:
    response = client.post("/account/login/", {"login": "alice", "password": "password", "next": "/docs/"})
    assert (response.status_code, response["Location"]) == (302, "/docs/")


def test_a_host_that_is_not_ours_is_refused_and_never_repeated(client: Client, site: Site) -> None:
    for headers in ({"Host": "evil.example"}, {"Host": "evil.example:80"}, {"Host": "a b"}):
        response = client.get("/account/password/reset/", headers=headers)
        assert response.status_code == 400
        assert b"evil.example" not in response.content
    response = client.get("/api/v1/phases/", headers={"X-Forwarded-Host": "evil.example"})
    assert response.status_code == 200
    assert b"evil.example" not in response.content


def test_cookies_are_for_this_site_and_not_for_scripts(client: Client, site: Site) -> None:
    client.get("/account/login/")
    response = client.post("/account/login/", {"login": "alice", "password": "password"})
    assert response.status_code == 302
    for name in (site_settings.SESSION_COOKIE_NAME, site_settings.CSRF_COOKIE_NAME):
        cookie = client.cookies[name]
        assert (cookie["httponly"], cookie["samesite"], cookie["domain"]) == (True, "Lax", "")


SHOW_COOKIES = """
import django; django.setup()
from django.conf import settings as s
assert s.SESSION_COOKIE_NAME == "__Host-sessionid" and s.SESSION_COOKIE_SECURE and s.SESSION_COOKIE_HTTPONLY
assert s.CSRF_COOKIE_NAME == "__Host-csrftoken" and s.CSRF_COOKIE_SECURE and s.SESSION_COOKIE_DOMAIN is None
assert s.SECURE_SSL_REDIRECT and s.SECURE_HSTS_SECONDS == 3600
"""


def test_a_site_set_up_as_the_example_says_passes_djangos_deploy_check(tmp_path: Path) -> None:
    deploy = tmp_path / "deploy"
    deploy.mkdir()
    script = deploy / "make-secrets"
    script.write_text((ROOT / "deploy" / "make-secrets").read_text())
    script.chmod(0o755)
    subprocess.run([script], check=True, capture_output=True)
    lines = (ROOT / "deploy" / "env.example").read_text().splitlines()
    example = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    secrets = {
        f"{variable}_FILE": str(deploy / "secrets" / variable.lower())
        for variable in ("SECRET_KEY", "DATABASE_URL", "BROKER_URL", "CACHE_URL", "STORAGE_URL")
    }
    environment = {
        "PATH": os.environ["PATH"],
        "PARAKH_VAR": str(tmp_path / "var"),
        "DJANGO_SETTINGS_MODULE": "challenge.settings",
        "TRUSTED_PROXY_COUNT": "1",
        "EMAIL_HOST_PASSWORD_FILE": str(deploy / "secrets" / "email_password"),
        **example,
        **secrets,
    }
    for command in (["manage.py", "check", "--deploy", "--fail-level", "WARNING"], ["-c", SHOW_COOKIES]):
        done = subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("address", "method", "status"),
    [("/api/v1/nothing/", "get", 404), ("/api/v1/phases/999/", "get", 404), ("/api/v1/phases/", "delete", 405)],
)
def test_errors_under_api_are_problem_details(address: str, method: str, status: int, site: Site) -> None:
    client = APIClient()
    client.force_authenticate(site.alice)
    answer = getattr(client, method)(address)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert set(answer.json()) == {"type", "title", "status", "detail"}


def test_the_database_being_away_is_told_as_such(client: Client, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: object) -> None:
        raise OperationalError("connection refused")

    client.raise_request_exception = False
    monkeypatch.setattr("challenge.permissions.visible_challenges", away)
    for address, words in (("/", errors.AWAY.title), ("/api/v1/phases/", '"title": "Not at the moment"')):
        response = client.get(address)
        assert (response.status_code, response["Retry-After"]) == (503, "60")
        assert words in response.content.decode()
        assert "connection refused" not in response.content.decode()
