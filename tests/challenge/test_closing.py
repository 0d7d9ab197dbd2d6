"""Deleting an account: what goes, what stays, and when it can't be done."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.test import Client

from challenge import closing, invitations, submissions, teams, tokens
from challenge.models import Invitation, Membership, Notice, Profile, State, Submission, Team, Token, Transition
from tests import factories
from tests.conftest import Site


def ask(client: Client, name: str) -> Any:
    client.post("/account/reauthenticate/", {"password": "password"})
    return client.post("/profile/delete/", {"name": name}, follow=True)


def test_a_person_goes_and_what_she_sent_stays_with_her_team(site: Site, client: Client) -> None:
    made = factories.finished(site.phase, site.team, user=site.alice, title="ERFNet")
    token = tokens.make(site.alice, "laptop", None)
    EmailAddress.objects.create(user=site.alice, email="alice@example.org", primary=True, verified=True)
    Authenticator.objects.create(user=site.alice, type="totp", data={"secret": "x"})
    Profile.objects.create(user=site.alice, mail_news=False)
    invitations.invite(site.team, site.alice, "someone@example.org")
    history = Transition.objects.count()
    elsewhere = Client()
    elsewhere.force_login(site.alice)
    Authenticator.objects.all().delete()
    client.force_login(site.alice)
    assert client.get("/profile/delete/").headers["Location"].startswith("/account/reauthenticate/")
    assert "Type alice, exactly so." in ask(client, "Alice").content.decode()
    assert "Your account is closed." in ask(client, "alice").content.decode()

    for one in (client, elsewhere):
        assert one.get("/profile/").status_code == 302
    assert client.post("/account/login/", {"login": "alice", "password": "password"}).status_code == 200
    shell = User.objects.get(pk=site.alice.pk)
    assert (shell.username, shell.email, shell.is_active) == (f"deleted-{shell.pk}", "", False)
    assert Client(headers={"authorization": f"Token {token}"}).get("/api/v1/submissions/").status_code == 401
    for model in (Token, EmailAddress, Authenticator, Profile, Invitation):
        assert not model.objects.exists()
    assert not Notice.objects.filter(user=shell).exists()
    made.refresh_from_db()
    assert (made.team, made.creator) == (site.team, shell)
    assert Transition.objects.count() == history
    assert Membership.objects.get(team=site.team).user == site.bob
    assert Membership.objects.get(team=site.team).role == "owner"
    client.force_login(site.bob)
    assert f"deleted-{shell.pk}" in client.get(f"/submissions/{made.pk}/").content.decode()


def test_who_has_sent_nothing_leaves_nothing(site: Site) -> None:
    closing.close(site.carol)
    assert not User.objects.filter(pk=site.carol.pk).exists()
    assert not Team.objects.filter(pk=site.strangers.pk).exists()


def test_unfinished_uploads_go_and_running_submissions_go_on(site: Site) -> None:
    begun = submissions.begin(phase=site.phase, team=site.team, user=site.alice, kind="code", size=10)
    queued = factories.submission(site.phase, site.team, user=site.alice)
    closing.close(site.alice)
    assert Submission.objects.get(pk=begun.pk).state == State.CANCELLED
    assert Submission.objects.get(pk=queued.pk).state == State.QUEUED
    factories.evaluate_all()
    assert Submission.objects.get(pk=queued.pk).state == State.FINISHED
    assert not Notice.objects.filter(topic="done").exists()  # There is nobody to tell.


@pytest.mark.parametrize(("name", "why"), [("stella", "You are staff"), ("olga", "only organizer of “IDD-lite")])
def test_when_it_can_not_be_done_now(site: Site, client: Client, name: str, why: str) -> None:
    person = getattr(site, name)
    client.force_login(person)
    answer = ask(client, name)
    assert why in answer.content.decode()
    with pytest.raises(closing.ClosingRefused, match=why):
        closing.close(person)
    assert User.objects.get(pk=person.pk).is_active
    site.challenge.organizers.add(site.otto)
    if name == "olga":
        closing.close(person)
        assert list(site.challenge.organizers.all()) == [site.otto]


def test_a_name_that_was_given_up_does_not_lead_to_a_team(site: Site) -> None:
    factories.finished(site.phase, site.team, user=site.alice)
    made = invitations.invite(site.strangers, site.carol, "alice")
    closing.close(site.alice)
    again = factories.UserFactory(username="alice")
    assert not invitations.for_person(again).exists()
    with pytest.raises(teams.TeamRefused):
        invitations.accept(made, again)
