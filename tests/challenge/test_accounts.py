"""Accounts, by the requests that a browser would make: confirmed addresses, resets, second factor, limits."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from challenge import submissions, teams
from challenge.models import Notice
from tests import factories
from tests.conftest import Site

NEW = {
    "username": "nadia",
    "email": "nadia@example.org",
    "password1": "touch-stone-7",
    "password2": "touch-stone-7",
}


@pytest.fixture
def mail_goes_out(settings: Any, site: Site) -> None:
    """A site whose addresses are verified."""
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    settings.MFA_ALLOW_UNVERIFIED_EMAIL = False


def link_in(notice: Notice) -> str:
    """The path that a mail leads to."""
    found = re.search(r"^    http://127\.0\.0\.1:8000(/\S+)$", notice.body, re.M)
    assert found, notice.body
    return found[1]


def log_in(client: Client, login: str, password: str = "password") -> Any:
    return client.post("/account/login/", {"login": login, "password": password})


def is_in(client: Client) -> bool:
    return client.get("/profile/").status_code == 200


def page(response: Any) -> str:
    return " ".join(response.content.decode().split())


# Sign-up


@pytest.mark.usefixtures("mail_goes_out")
def test_sign_up_needs_the_link_in_the_mail() -> None:
    client = Client()
    answer = client.post("/account/signup/", NEW, follow=True)
    assert "Look into your mail" in page(answer)
    assert not is_in(client)
    assert "Look into your mail" in page(log_in(client, "nadia", "touch-stone-7").client.get("/account/confirm-email/"))
    assert not is_in(client)
    told = Notice.objects.first()
    assert told is not None
    assert told.email == "nadia@example.org"
    other = Client()
    place = link_in(told)
    assert "belongs to the account <strong>nadia</strong>" in page(other.get(place))
    assert not EmailAddress.objects.get().verified  # A mail program that looks at links confirms nothing.
    other.post(place)
    assert EmailAddress.objects.get().verified
    log_in(client, "nadia@example.org", "touch-stone-7")
    assert is_in(client)
    assert "This link does not work" in page(Client().get(place[:-2] + "x/"))


@pytest.mark.django_db
def test_where_no_mail_goes_out_nobody_is_locked_out() -> None:
    client = Client()
    client.post("/account/signup/", NEW)
    assert is_in(client)
    assert link_in(Notice.objects.get())  # It can be confirmed all the same: whoever runs the site has the file.


@pytest.mark.usefixtures("mail_goes_out")
def test_sign_up_does_not_tell_who_has_an_account(site: Site) -> None:
    EmailAddress.objects.create(user=site.alice, email="alice@example.org", primary=True, verified=True)
    answers = [
        client.post("/account/signup/", NEW | {"username": name, "email": address}, follow=True)
        for client, name, address in ((Client(), "n1", "new@example.org"), (Client(), "n2", "alice@example.org"))
    ]
    assert page(answers[0]).replace("new@", "alice@") == page(answers[1])
    assert answers[0].redirect_chain == answers[1].redirect_chain
    assert not User.objects.filter(username="n2").exists()
    known = Notice.objects.get(email="alice@example.org")
    assert "an account already" in known.subject
    assert link_in(known) == "/account/password/reset/"


@pytest.mark.parametrize(
    "name", ["a@b.org", "आशा", "аlice", "two words", "Reaper", "deleted-7", "x" * 31, "a\nb", "ALICE", "-\u202e"]
)
def test_names_that_mislead_are_refused(site: Site, name: str) -> None:
    answer = Client().post("/account/signup/", NEW | {"username": name})
    assert answer.status_code == 200
    assert answer.context["form"].errors["username"]


@pytest.mark.usefixtures("mail_goes_out")
def test_without_a_confirmed_address_nobody_submits_or_founds_a_team(site: Site, client: Client) -> None:
    with pytest.raises(submissions.Refused, match="Confirm your mail address"):
        factories.submission(site.phase, site.team, user=site.alice)
    newcomer = factories.UserFactory()
    with pytest.raises(teams.TeamRefused, match="Confirm your mail address"):
        teams.found(site.challenge, newcomer, "Early")
    for person in (site.alice, newcomer):
        EmailAddress.objects.create(user=person, email=person.email, primary=True, verified=True)
    assert factories.submission(site.phase, site.team, user=site.alice)
    assert teams.found(site.challenge, newcomer, "Early")


# Passwords


@pytest.mark.usefixtures("mail_goes_out")
def test_a_lost_password_is_replaced_by_the_link_in_the_mail(site: Site) -> None:
    EmailAddress.objects.create(user=site.alice, email="alice@example.org", primary=True, verified=True)
    here, client = Client(), Client(headers={"host": "localhost"})
    log_in(here, "alice")
    client.post("/account/password/reset/", {"email": "alice@example.org"})
    place = link_in(Notice.objects.get())  # It leads to SITE_URL, whatever name the request was sent to.
    form = client.get(place, follow=True)
    assert "Choose a new password" in page(form)
    action = form.redirect_chain[-1][0]
    wrong = client.post(action, {"password1": "12345678", "password2": "12345678"})
    assert "too common" in page(wrong)
    done = client.post(action, {"password1": "chalk-line-9", "password2": "chalk-line-9"}, follow=True)
    assert "Your password is changed" in page(done)
    assert not is_in(here)  # Whoever was logged in with the old one is out.
    assert "This link does not work" in page(Client().get(place, follow=True))
    log_in(here, "alice", "chalk-line-9")
    assert is_in(here)
    assert "was changed" in Notice.objects.latest("pk").subject


@pytest.mark.parametrize("verification", ["mandatory", "optional"])
def test_a_reset_does_not_tell_who_has_an_account_and_mails_no_strangers(
    site: Site, settings: Any, verification: str
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = verification
    answers = [
        Client().post("/account/password/reset/", {"email": address}, follow=True)
        for address in ("alice@example.org", "nobody@example.org")
    ]
    assert page(answers[0]) == page(answers[1])
    assert [notice.email for notice in Notice.objects.all()] == ["alice@example.org"]


# How often


def tries(client: Client, count: int, address: str, form: Any) -> list[int]:
    return [client.post(address, form(number), REMOTE_ADDR="192.0.2.7").status_code for number in range(count)]


def test_wrong_passwords_are_counted_by_account_under_any_of_its_names_from_wherever(site: Site) -> None:
    for number in range(5):
        login = ("alice", "ALICE", "alice@example.org")[number % 3]
        answer = Client(REMOTE_ADDR=f"192.0.2.{number}").post("/account/login/", {"login": login, "password": "x"})
        assert "not correct" in page(answer)
    client = Client(REMOTE_ADDR="192.0.2.99")
    assert "Too many failed" in page(log_in(client, "alice"))  # Although it is right.
    assert not is_in(client)
    log_in(client, "bob")
    assert is_in(client)


def test_wrong_passwords_are_counted_by_address_over_all_accounts(site: Site) -> None:
    client = Client(REMOTE_ADDR="192.0.2.7")
    for number in range(10):
        log_in(client, f"user{number}", "x")
    assert "Too many failed" in page(log_in(client, "alice"))
    assert not is_in(client)
    other = Client(REMOTE_ADDR="192.0.2.8")
    log_in(other, "alice")
    assert is_in(other)


@pytest.mark.parametrize(
    ("address", "form", "most"),
    [
        ("/account/login/", lambda number: {"login": f"u{number}", "password": "x"}, 30),
        ("/account/signup/", lambda number: {"username": f"u{number}"}, 10),
        ("/account/password/reset/", lambda number: {"email": f"u{number}@example.org"}, 10),
    ],
)
def test_each_form_has_a_limit_by_address_on_the_cache_that_processes_share(
    site: Site, settings: Any, tmp_path: Any, address: str, form: Any, most: int
) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": str(tmp_path)}
    }
    found = tries(Client(), most + 2, address, form)
    assert 429 not in found[:most]
    assert found[most:] == [429, 429]
    answer = Client().post(address, form(0), REMOTE_ADDR="192.0.2.7")
    assert "Too many tries" in page(answer)
    assert '<a class="brand"' in answer.content.decode()
    assert Client().post(address, form(0), REMOTE_ADDR="192.0.2.8").status_code != 429


def test_nobody_fills_a_letter_box_by_asking_for_resets(site: Site) -> None:
    for number in range(6):
        Client(REMOTE_ADDR=f"192.0.2.{number}").post("/account/password/reset/", {"email": "alice@example.org"})
    assert Notice.objects.count() == 3


# The second factor


def code(user: User) -> str:
    """What the app would show now."""
    secret = totp.decrypt(Authenticator.objects.get(user=user, type="totp").data["secret"])
    return totp.format_hotp_value(totp.hotp_value(secret, next(iter(totp.yield_hotp_counters_from_time()))))


def set_up(client: Client, user: User) -> None:
    asked = client.get("/account/2fa/totp/activate/", follow=True)
    assert "Is it you?" in page(asked)  # However fresh the log-in is.
    form = client.post(asked.redirect_chain[-1][0], {"password": "password"}, follow=True)
    assert "data:image/svg+xml" in form.content.decode()
    secret = form.context["form"].secret
    typed = totp.format_hotp_value(totp.hotp_value(secret, next(iter(totp.yield_hotp_counters_from_time()))))
    assert client.post("/account/2fa/totp/activate/", {"code": typed}).status_code == 302


def fresh_code(user: User, monkeypatch: pytest.MonkeyPatch) -> str:
    """A code works once: as if the next half minute had come."""
    monkeypatch.setattr(totp.TOTP, "_mark_code_used", lambda self, code: True)
    return code(user)


def test_with_a_second_factor_a_password_alone_opens_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    client = Client()
    log_in(client, "alice")
    with django_capture_on_commit_callbacks(execute=True):
        set_up(client, site.alice)
    assert "Your second factor is on" in Notice.objects.latest("pk").subject
    codes = re.findall(r"<li><code>(\d{8})</code>", client.get("/account/2fa/recovery-codes/").content.decode())
    assert len(codes) == 10

    other = Client()
    assert log_in(other, "alice").headers["Location"] == "/account/2fa/authenticate/"
    assert not is_in(other)
    assert "Incorrect code" in page(other.post("/account/2fa/authenticate/", {"code": "000000"}))
    other.post("/account/2fa/authenticate/", {"code": fresh_code(site.alice, monkeypatch)})
    assert is_in(other)

    third = Client()
    log_in(third, "alice")
    third.post("/account/2fa/authenticate/", {"code": codes[0]})
    assert is_in(third)
    fourth = Client()
    log_in(fourth, "alice")
    fourth.post("/account/2fa/authenticate/", {"code": codes[0]})
    assert not is_in(fourth)  # Each works once.


def test_codes_are_not_guessed(site: Site) -> None:
    client = Client()
    log_in(client, "alice")
    set_up(client, site.alice)
    stranger = Client(REMOTE_ADDR="192.0.2.66")
    log_in(stranger, "alice")
    for number in range(5):
        stranger.post("/account/2fa/authenticate/", {"code": f"{number:06}"})
    answer = stranger.post("/account/2fa/authenticate/", {"code": code(site.alice)})
    assert "Too many failed" in page(answer)
    assert not is_in(stranger)


def test_admin_asks_for_it_too_and_staff_without_it_are_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.stella.is_superuser = True
    site.stella.save()
    client = Client()
    assert client.get("/admin/", follow=True).redirect_chain[-1][0] == "/account/login/?next=%2Fadmin%2F"
    form = {"login": "stella", "password": "password", "next": "/admin/"}
    told = client.post("/account/login/", form, follow=True)
    assert "You are staff and log in with a password alone" in page(told)
    assert "You log in here with a password alone" in page(client.get("/admin/"))
    assert "You are staff and log in with a password alone" in page(client.get("/profile/"))
    set_up(client, site.stella)
    assert "with a password alone" not in page(client.get("/admin/")) + page(client.get("/profile/"))

    other = Client()
    assert other.post("/account/login/", form).headers["Location"].startswith("/account/2fa/authenticate/")
    assert other.get("/admin/").status_code == 302
    assert "login" in other.get("/admin/").headers["Location"]
    answer = other.post("/account/2fa/authenticate/", {"code": fresh_code(site.stella, monkeypatch)})
    assert answer.status_code == 302
    assert other.get("/admin/").status_code == 200


def test_turning_it_off_asks_who_it_is(site: Site) -> None:
    client = Client()
    log_in(client, "alice")
    set_up(client, site.alice)
    stolen = Client()
    stolen.force_login(site.alice)  # A session, but neither password nor code was given just now.
    for address in ("deactivate/", "activate/"):
        answer = stolen.post(f"/account/2fa/totp/{address}")
        assert "reauthenticate" in answer.headers["Location"]
    assert "reauthenticate" in stolen.get("/account/2fa/recovery-codes/").headers["Location"]
    assert Authenticator.objects.filter(user=site.alice, type="totp").exists()
    client.post("/account/2fa/totp/deactivate/")
    assert not Authenticator.objects.filter(user=site.alice).exists()
    assert "Your second factor is off" in Notice.objects.latest("pk").subject


PAGES = [
    "/account/email/",
    "/account/reauthenticate/",
    "/account/password/change/",
    "/account/inactive/",
    "/account/confirm-email/",
    "/account/password/reset/done/",
    "/account/password/reset/key/done/",
    "/account/2fa/",
    "/account/2fa/totp/activate/",
    "/account/2fa/totp/deactivate/",
    "/account/2fa/recovery-codes/",
    "/account/2fa/recovery-codes/generate/",
    "/account/2fa/reauthenticate/",
]


@pytest.mark.parametrize("has_factor", [False, True])
@pytest.mark.parametrize("address", PAGES)
def test_every_page_of_an_account_is_in_our_look(site: Site, address: str, has_factor: bool) -> None:
    client = Client()
    log_in(client, "alice")
    if has_factor:
        set_up(client, site.alice)
    answer = client.get(address, follow=True)
    assert answer.status_code in (200, 404)  # There is nothing to turn off, or no code to see.
    shown = answer.content.decode()
    assert '<a class="brand"' in shown
    for alien in ("Two-Factor", "Authenticator App", "style=", "<script>", "example.com", "None"):
        assert alien not in shown


def test_settings_are_kept(site: Site, client: Client) -> None:
    client.force_login(site.alice)
    client.post(reverse("settings_save"), {"mail_news": "on"})
    client.post(reverse("settings_save"), {"settings-mail_news": "on"})
    site.alice.refresh_from_db()
    assert (site.alice.profile.mail_news, site.alice.profile.mail_when_done) == (True, False)  # type: ignore[attr-defined]
