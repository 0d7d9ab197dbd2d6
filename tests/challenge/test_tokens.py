"""API tokens: several, named, shown once, kept as digests, and those from before go on working."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from challenge import tokens
from challenge.models import Token
from tests import factories
from tests.challenge.test_concurrency import at_once
from tests.conftest import Site

PLACE = "/api/v1/submissions/"


def status(token: str | bytes) -> int:
    header = token if isinstance(token, str) else token.decode("latin-1")
    return Client(headers={"authorization": f"Token {header}"}).get(PLACE).status_code


def test_each_works_by_itself(site: Site) -> None:
    laptop, night = tokens.make(site.alice, "laptop", 30), tokens.make(site.alice, " night \n training ", None)
    assert (status(laptop), status(night)) == (200, 200)
    assert tokens.revoke(site.alice, "laptop")
    assert not tokens.revoke(site.bob, "night training")
    assert (status(laptop), status(night)) == (401, 200)
    for row in Token.objects.all():
        assert night not in f"{row.digest}{row.token_key}"


def test_an_expired_one_is_refused_and_makes_room(site: Site) -> None:
    old = tokens.make(site.alice, "old", 30)
    Token.objects.update(expiry=timezone.now() - dt.timedelta(seconds=1))
    assert status(old) == 401
    tokens.make(site.alice, "old", 30)


@pytest.mark.parametrize(
    "sent", ["", "x", "parakh_" + "0" * 64, "parakh_\x00", b"\xff\xfe" * 20, "a" * 10_000, "parakh_ 12", "ＡＢＣ" * 10]
)
def test_what_is_no_token_is_refused_and_breaks_nothing(site: Site, sent: str | bytes) -> None:
    assert status(sent.encode().decode("latin-1") if isinstance(sent, str) else sent) == 401


def test_a_closed_account_has_no_tokens(site: Site) -> None:
    token = tokens.make(site.alice, "laptop", None)
    site.alice.is_active = False
    site.alice.save()
    assert status(token) == 401


def test_names_and_numbers_have_bounds(site: Site) -> None:
    for name in ("", " \t"):
        with pytest.raises(tokens.TokenRefused, match="name"):
            tokens.make(site.alice, name, None)
    for number in range(tokens.MOST):
        tokens.make(site.alice, f"n{number}", None)
    with pytest.raises(tokens.TokenRefused, match="called"):
        tokens.make(site.alice, "n3", None)
    with pytest.raises(tokens.TokenRefused, match="limit"):
        tokens.make(site.alice, "one more", None)
    tokens.make(site.bob, "n3", None)


@pytest.mark.django_db(transaction=True)
def test_made_at_once_they_keep_the_bound(site: Site) -> None:
    def make(number: int) -> bool:
        try:
            tokens.make(site.alice, f"n{number}", None)
        except tokens.TokenRefused:
            return False
        return True

    assert sum(at_once(16, make)) == tokens.MOST


def test_its_last_use_is_noted_but_not_at_each_call(site: Site, django_assert_num_queries: Any) -> None:
    token = tokens.make(site.alice, "laptop", None)
    status(token)
    first = Token.objects.get().last_used
    assert first is not None
    status(token)
    assert Token.objects.get().last_used == first
    Token.objects.update(last_used=first - tokens.NOTED_EVERY)
    status(token)
    assert Token.objects.get().last_used > first


def test_the_profile_says_what_is_wrong_and_keeps_what_was_typed(site: Site, client: Client) -> None:
    client.force_login(site.alice)
    tokens.make(site.alice, "laptop", None)
    response = client.post(reverse("token_create"), {"token-name": "laptop", "token-days": "365"})
    page = response.content.decode()
    assert response.status_code == 400
    assert "You have a token called “laptop” already" in page
    assert 'value="laptop"' in page
    assert '<option value="365" selected>' in page


def test_the_command_makes_one_for_a_script(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("make_token", "alice", "cron", "--days", "7")
    assert status(capsys.readouterr().out.strip()) == 200
    with pytest.raises(CommandError, match="no user"):
        call_command("make_token", "nobody", "cron")
    with pytest.raises(CommandError, match="called"):
        call_command("make_token", "alice", "cron")


@pytest.mark.django_db(transaction=True)
def test_tokens_from_before_go_on_working_and_are_no_longer_kept_in_clear() -> None:
    before, after = [("challenge", "0009_index_of_kept_label_maps")], [("challenge", "0010_api_tokens")]
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes("challenge")
    alice, old = factories.UserFactory(), "9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b"
    MigrationExecutor(connection).migrate(before)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE authtoken_token (key varchar(40), created timestamp, user_id integer)")
        cursor.execute("INSERT INTO authtoken_token (key, user_id) VALUES (%s, %s)", [old, alice.pk])
    MigrationExecutor(connection).migrate(after)
    MigrationExecutor(connection).migrate(latest)
    assert status(old) == 200
    assert "authtoken_token" not in connection.introspection.table_names()
