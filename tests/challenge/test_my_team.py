"""Teams by what people do: invite, join, leave, hand over, rename, merge; and what can't be done, with the reason."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from challenge import invitations, merging, quotas, submissions, teams
from challenge.models import (
    AuditEntry,
    BoardRow,
    Invitation,
    Membership,
    Notice,
    Phase,
    QuotaGrant,
    Record,
    Standing,
    State,
    Submission,
    Team,
    Transition,
)
from challenge.teams import TeamRefused
from tests import factories
from tests.challenge.test_concurrency import at_once
from tests.conftest import Site


def role(user: User) -> str:
    return Membership.objects.get(user=user).role


def page(client: Client, site: Site) -> str:
    return " ".join(client.get(reverse("my_team", args=[site.challenge.slug])).content.decode().split())


def post(client: Client, site: Site, page_name: str, **form: str) -> Any:
    return client.post(reverse(page_name, args=[site.challenge.slug]), form, follow=True)


def said(response: Any) -> str:
    return " ".join(response.content.decode().split())


def newcomer(name: str = "nadia", confirmed: bool = True) -> User:
    user = factories.UserFactory(username=name)
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=confirmed)
    return user


# Invitations


def test_an_owner_invites_by_name_and_the_person_accepts(site: Site, client: Client) -> None:
    nadia = newcomer()
    client.force_login(site.alice)
    assert "nadia is asked by mail" in said(post(client, site, "team_invite", whom="Nadia "))
    assert "Asked, " in page(client, site)
    told = Notice.objects.get()
    assert told.email == "nadia@example.org"
    place = reverse("invitation", args=[Invitation.objects.get().pk])
    assert place in told.body
    client.force_login(nadia)
    assert "alice asks you to join Asphalt" in page(client, site)
    assert "alice asks you to join Asphalt" in said(client.get("/profile/"))
    assert "Join Asphalt?" in said(client.get(place))
    assert "you are in Asphalt now" in said(client.post(f"{place}answer/", {"answer": "accept"}, follow=True))
    assert role(nadia) == "member"
    assert Notice.objects.get(user=site.alice).subject == "[Parakh] nadia has accepted"
    assert "was accepted" in said(client.get(place))


def test_by_mail_address_only_whoever_has_confirmed_it_may_answer(site: Site, client: Client) -> None:
    made = invitations.invite(site.team, site.alice, "Nadia@Example.org")
    assert Notice.objects.get().email == "nadia@example.org"
    place = reverse("invitation", args=[made.pk])
    assert client.get(place).headers["Location"] == f"/account/login/?next={place}"
    claims = newcomer("claims", confirmed=False)
    EmailAddress.objects.filter(user=claims).update(email="nadia@example.org")
    for person in (claims, site.carol, site.bob, site.stella):
        client.force_login(person)
        assert client.get(place).status_code == 404
        assert client.post(f"{place}answer/", {"answer": "accept"}).status_code == 404
        with pytest.raises(TeamRefused, match="not for you"):
            invitations.accept(made, person)
    EmailAddress.objects.filter(user=claims).delete()
    nadia = newcomer()
    assert invitations.accept(made, nadia) == site.team


def test_declined_withdrawn_and_past_ones_can_not_be_accepted(site: Site) -> None:
    nadia = newcomer()
    made = invitations.invite(site.team, site.alice, "nadia")
    invitations.decline(made, nadia)
    again = invitations.invite(site.team, site.alice, "nadia")
    invitations.withdraw(again, site.alice)
    past = invitations.invite(site.team, site.alice, "nadia")
    Invitation.objects.filter(pk=past.pk).update(expires=timezone.now())
    for one in (made, again, past):
        with pytest.raises(TeamRefused, match="no longer open"):
            invitations.accept(one, nadia)
    assert past.expires - past.created == pytest.approx(dt.timedelta(days=14), abs=dt.timedelta(seconds=1))


def test_asked_again_and_again_a_person_is_mailed_once_a_day(site: Site) -> None:
    newcomer()
    for _ in range(5):
        invitations.withdraw(invitations.invite(site.team, site.alice, "nadia"), site.alice)
    assert Notice.objects.filter(email="nadia@example.org").count() == 1


@pytest.mark.parametrize(
    ("whom", "why"),
    [
        ("nobody", "Nobody here is called"),
        ("alice", "That is you"),
        ("bob", "in your team already"),
        ("no mail@", "no mail address"),
        ("x\x00y", "Nobody here is called"),
        ("a" * 300, "Nobody here is called"),
    ],
)
def test_whom_nobody_can_invite(site: Site, whom: str, why: str) -> None:
    with pytest.raises(TeamRefused, match=why):
        invitations.invite(site.team, site.alice, whom)


def test_what_was_typed_stays_beside_the_reason(site: Site, client: Client) -> None:
    client.force_login(site.alice)
    response = post(client, site, "team_invite", whom="nobody")
    assert response.status_code == 400
    assert 'value="nobody"' in said(response)
    assert "Nobody here is called “nobody”" in said(response)


def test_only_owners_invite_remove_and_withdraw(site: Site) -> None:
    made = invitations.invite(site.team, site.alice, "x@example.org")
    for act in (
        lambda: invitations.invite(site.team, site.bob, "y@example.org"),
        lambda: invitations.ask_to_merge(site.team, site.bob, "Gravel"),
        lambda: invitations.withdraw(made, site.bob),
        lambda: invitations.withdraw(made, site.carol),
        lambda: teams.remove(site.team, site.alice, site.bob),
        lambda: teams.promote(site.team, site.bob, site.bob),
        lambda: teams.promote(site.team, site.bob, site.carol),
        lambda: teams.hand_over(site.team, site.bob, site.bob),
        lambda: teams.rename(site.team, site.bob, "Tar"),
        lambda: teams.rename(site.team, site.otto, "Tar"),
    ):
        with pytest.raises(TeamRefused, match="Only an owner"):
            act()


def test_invitations_have_ceilings(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.challenge.largest_team = 100
    site.challenge.save()
    for number in range(invitations.MOST_OPEN):
        last = invitations.invite(site.team, site.alice, f"n{number}@example.org")
    with pytest.raises(TeamRefused, match="wait for an answer"):
        invitations.invite(site.team, site.alice, "more@example.org")
    invitations.withdraw(last, site.alice)
    with pytest.raises(TeamRefused, match="asked already"):
        invitations.invite(site.team, site.alice, "N0@example.org")
    monkeypatch.setattr(invitations, "MOST_A_DAY", invitations.MOST_OPEN)
    with pytest.raises(TeamRefused, match="within a day"):
        invitations.invite(site.team, site.alice, "more@example.org")


@pytest.mark.django_db(transaction=True)
def test_a_team_never_grows_beyond_its_bound(site: Site) -> None:
    site.challenge.largest_team = 4
    site.challenge.save()
    people = [newcomer(f"n{number}") for number in range(8)]
    made = [invitations.invite(site.team, site.alice, person.username) for person in people]

    def accept(number: int) -> str:
        try:
            invitations.accept(made[number], people[number])
        except TeamRefused as refusal:
            return str(refusal)
        return ""

    answers = at_once(8, accept)
    assert answers.count("") == 2
    assert {answer for answer in answers if answer} == {
        "The team Asphalt is full: 4 people are the most in this challenge."
    }
    assert site.team.memberships.count() == 4
    assert Invitation.objects.filter(answer="").count() == 6  # They stay open: somebody may leave.


@pytest.mark.django_db(transaction=True)
def test_a_person_who_accepts_two_at_once_is_in_one_team(site: Site) -> None:
    nadia = newcomer()
    made = [
        invitations.invite(site.team, site.alice, "nadia"),
        invitations.invite(site.strangers, site.carol, "nadia"),
    ]

    def accept(number: int) -> bool:
        try:
            invitations.accept(made[number % 2], nadia)
        except TeamRefused:
            return False
        return True

    assert sum(at_once(6, accept)) >= 1
    assert Membership.objects.filter(user=nadia).count() == 1


# Leaving, roles, names


def test_whoever_leaves_leaves_her_submissions_and_takes_their_count_along(site: Site) -> None:
    site.phase.quota_per_day, site.phase.quota_total = 3, 5
    site.phase.save()
    for _ in range(2):
        factories.finished(site.phase, site.team, user=site.bob)
    assert teams.leave(site.team, site.bob)
    assert site.team.submissions.count() == 2
    assert quotas.quota(site.phase, site.team).total_used == 2
    fresh = teams.found(site.challenge, site.bob, "Fresh")
    used = quotas.quota(site.phase, fresh)
    assert (used.day_used, used.total_used, used.elsewhere) == (2, 2, 2)
    factories.submission(site.phase, fresh, user=site.bob)
    with pytest.raises(submissions.Refused, match="sent for other teams counts too"):
        factories.submission(site.phase, fresh, user=site.bob)
    factories.submission(site.phase, site.team, user=site.alice)


def test_who_has_sent_too_much_can_not_join(site: Site) -> None:
    site.phase.quota_per_day = 3
    site.phase.save()
    nadia = newcomer()
    alone = factories.team(site.challenge, nadia, name="Alone")
    for team, user in ((alone, nadia), (alone, nadia), (site.team, site.alice), (site.team, site.alice)):
        factories.finished(site.phase, team, user=user)
    teams.leave(alone, nadia)
    made = invitations.invite(site.team, site.alice, "nadia")
    with pytest.raises(TeamRefused, match=r"4 submissions to Validation today, and one team may send 3 a day"):
        invitations.accept(made, nadia)
    Submission.objects.update(created=timezone.now() - dt.timedelta(days=2))
    assert invitations.accept(made, nadia) == site.team


def test_what_an_organizer_sends_for_a_baseline_is_not_hers(site: Site) -> None:
    Team.objects.filter(pk=site.strangers.pk).update(is_baseline=True)
    factories.submission(site.phase, site.strangers, user=site.carol)
    Membership.objects.filter(user=site.carol).delete()
    assert quotas.quota(site.phase, teams.found(site.challenge, site.carol, "Own")).total_used == 0


def test_the_last_owner_hands_over_first(site: Site, client: Client) -> None:
    client.force_login(site.alice)
    assert "You are its only owner" in said(post(client, site, "team_leave"))
    assert "bob owns the team now" in said(post(client, site, "team_member", act="hand_over", user="bob"))
    assert (role(site.alice), role(site.bob)) == ("member", "owner")
    assert "You have left Asphalt." in said(post(client, site, "team_leave"))
    assert "You are in no team yet" in page(client, site)
    client.force_login(site.bob)
    assert "Nobody was left in it: it is gone." in said(post(client, site, "team_leave"))
    assert not Team.objects.filter(pk=site.team.pk).exists()


def test_an_empty_team_with_submissions_stays_and_asks_nobody_any_more(site: Site) -> None:
    factories.finished(site.phase, site.strangers)
    made = invitations.invite(site.strangers, site.carol, "x@example.org")
    assert teams.leave(site.strangers, site.carol)
    made.refresh_from_db()
    assert made.answer == "withdrawn"
    assert BoardRow.objects.filter(team=site.strangers).exists()
    with pytest.raises(TeamRefused, match="Nobody is in the team"):
        invitations.ask_to_merge(site.team, site.alice, "Gravel")


def test_owners_are_made_and_go_by_themselves(site: Site) -> None:
    teams.promote(site.team, site.bob, by=site.alice)
    with pytest.raises(TeamRefused, match="owners go by themselves"):
        teams.remove(site.team, site.alice, by=site.bob)
    teams.step_down(site.team, site.bob)
    with pytest.raises(TeamRefused, match="only owner"):
        teams.step_down(site.team, site.alice)
    teams.remove(site.team, site.bob, by=site.alice)
    assert "no longer in Asphalt" in Notice.objects.get(user=site.bob).subject
    assert [row.user for row in site.team.memberships.all()] == [site.alice]


@pytest.mark.parametrize(("act", "user"), [("", "bob"), ("promote", "carol"), ("remove", "\x00"), ("evil", "bob")])
def test_a_form_that_was_made_up_changes_nothing(site: Site, client: Client, act: str, user: str) -> None:
    client.force_login(site.alice)
    post(client, site, "team_member", act=act, user=user)
    assert (role(site.alice), role(site.bob), role(site.carol)) == ("owner", "member", "owner")


def test_a_team_is_renamed_until_it_has_a_score_then_by_organizers_only(site: Site, client: Client) -> None:
    client.force_login(site.alice)
    assert "Your team is called Tar &amp; Co now." in said(post(client, site, "team_rename", name="Tar & Co"))
    assert client.get(f"/challenges/{site.challenge.slug}/teams/tar-co/").status_code == 200
    assert "is taken" in said(post(client, site, "team_rename", name="gravel"))
    assert AuditEntry.objects.count() == 0
    factories.finished(site.phase, site.team)
    assert "Ask the organizers" in said(post(client, site, "team_rename", name="Another"))
    teams.rename(site.team, site.olga, "Bitumen")
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.act, entry.what) == ("olga", "rename", "Renamed the team Tar & Co to Bitumen")


def test_after_the_date_teams_stay_as_they_are(site: Site, client: Client) -> None:
    nadia = newcomer()
    made = invitations.invite(site.team, site.alice, "nadia")
    site.challenge.teams_close = timezone.now()
    site.challenge.save()
    for team in (site.team, site.strangers):
        team.challenge.refresh_from_db()
    for act in (
        lambda: invitations.accept(made, nadia),
        lambda: invitations.invite(site.team, site.alice, "y@example.org"),
        lambda: invitations.ask_to_merge(site.team, site.alice, "Gravel"),
        lambda: teams.leave(site.team, site.bob),
        lambda: teams.remove(site.team, site.bob, site.alice),
    ):
        with pytest.raises(TeamRefused, match="have been closed since"):
            act()
    teams.promote(site.team, site.bob, site.alice)  # Somebody must be able to answer for it.
    client.force_login(site.alice)
    shown = page(client, site)
    assert "have been closed since" in shown
    assert "Leave the team" not in shown


def test_nobody_walks_away_from_a_disqualified_team(site: Site) -> None:
    Team.objects.filter(pk=site.team.pk).update(disqualified_at=timezone.now(), disqualified_why="Cheated")
    for act in (
        lambda: teams.leave(site.team, site.bob),
        lambda: invitations.invite(site.team, site.alice, "y@example.org"),
        lambda: invitations.ask_to_merge(site.strangers, site.carol, "Asphalt"),
    ):
        with pytest.raises(TeamRefused, match="is disqualified"):
            act()


# Merging


@pytest.fixture
def asked(site: Site) -> Invitation:
    """Alice's Asphalt asks Carol's Gravel; both have sent something, Gravel the better."""
    factories.finished(site.phase, site.team, 0.4, user=site.alice, title="ERFNet")
    factories.finished(site.phase, site.strangers, 0.6, user=site.carol, title="UNet")
    return invitations.ask_to_merge(site.team, site.alice, "gravel")


def test_two_teams_become_one_with_all_they_have(site: Site, asked: Invitation, client: Client) -> None:
    second = factories.PhaseFactory(challenge=site.challenge, dataset=site.dataset, slug="second")
    factories.finished(second, site.strangers, 0.7, user=site.carol, title="UNet again")
    QuotaGrant.objects.create(phase=site.phase, team=site.strangers, extra=1, why="Power cut")
    history = list(Transition.objects.order_by("pk").values())
    place = reverse("invitation", args=[asked.pk])
    client.force_login(site.carol)
    assert "Asphalt asks your team to merge" in page(client, site)
    assert "Merge Gravel into Asphalt?" in said(client.get(place))
    assert "you are in Asphalt now" in said(client.post(f"{place}answer/", {"answer": "accept"}, follow=True))

    assert not Team.objects.filter(name="Gravel").exists()
    assert {row.user.username: row.role for row in site.team.memberships.all()} == {
        "alice": "owner", "bob": "member", "carol": "owner",
    }  # fmt: skip
    assert {one.creator.username for one in site.team.submissions.all()} == {"alice", "carol"}
    assert list(Transition.objects.order_by("pk").values()) == history
    best = {row.phase_id: row for row in BoardRow.objects.filter(standing=Standing.BEST)}
    assert {pk: (row.team, row.submission.title) for pk, row in best.items()} == {
        site.phase.pk: (site.team, "UNet"), second.pk: (site.team, "UNet again"),
    }  # fmt: skip
    assert {record.team for record in Record.objects.all()} == {site.team}
    assert Record.objects.count() == 3
    used = quotas.quota(site.phase, site.team)
    assert (used.total_used, used.elsewhere) == (2, 0)
    assert site.team.grants.count() == 1  # type: ignore[attr-defined]
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.act, entry.what) == ("carol", "merge", "The team Gravel became part of Asphalt")
    assert entry.details["asked_by"] == "alice"
    assert entry.details["people"] == ["carol"]
    assert len(entry.details["submissions"]) == 2
    told = Notice.objects.filter(subject="[Parakh] Gravel and Asphalt are one team now")
    assert {notice.email for notice in told} == {f"{name}@example.org" for name in ("alice", "bob", "carol")}


def test_of_two_choices_the_hosts_stays(site: Site, asked: Invitation) -> None:
    for team in (site.team, site.strangers):
        Submission.objects.filter(team=team).update(is_chosen=True)
    invitations.accept(asked, site.carol)
    assert Submission.objects.get(is_chosen=True).title == "ERFNet"


def change(site: Site, row: Model, **values: Any) -> None:
    type(row)._default_manager.filter(pk=row.pk).update(**values)


@pytest.mark.parametrize(
    ("prepare", "why"),
    [
        (lambda site: change(site, site.challenge, largest_team=2), "Together you are 3 people; 2 are the most"),
        (lambda site: change(site, site.challenge, teams_close=timezone.now()), "have been closed since"),
        (lambda site: change(site, site.phase, quota_per_day=1), "2 submissions to Validation today"),
        (lambda site: change(site, site.phase, quota_total=1), "2 submissions to Validation, and one team may send 1"),
        (lambda site: change(site, site.team, is_baseline=True), "This is a baseline"),
        (lambda site: change(site, site.strangers, disqualified_at=timezone.now()), "Gravel is disqualified"),
        (lambda site: factories.submission(site.phase, site.strangers), "waits or runs"),
    ],
)
def test_why_two_teams_can_not_merge(site: Site, asked: Invitation, client: Client, prepare: Any, why: str) -> None:
    prepare(site)
    before = list(Submission.objects.order_by("pk").values("pk", "team"))
    client.force_login(site.carol)
    place = reverse("invitation", args=[asked.pk])
    assert why in said(client.get(place))
    assert why in said(client.post(f"{place}answer/", {"answer": "accept"}, follow=True))
    assert list(Submission.objects.order_by("pk").values("pk", "team")) == before
    assert Membership.objects.filter(team=site.strangers).count() == 1
    assert Invitation.objects.get().answer == ""
    assert AuditEntry.objects.count() == 0


def test_all_obstacles_are_told_at_once_and_the_asking_team_learns_nothing_of_the_other(
    site: Site, asked: Invitation
) -> None:
    change(site, site.challenge, largest_team=2)
    change(site, site.phase, quota_total=1)
    factories.submission(site.phase, site.strangers)
    site.team.challenge.refresh_from_db()
    host, guest = teams.locked(site.team, site.strangers)
    assert len(merging.reasons(host, guest)) == 3
    assert len(merging.reasons(host, guest, tells_all=False)) == 1


@pytest.mark.parametrize("name", ["alice", "bob", "otto"])
def test_only_owners_of_the_guest_answer(site: Site, asked: Invitation, name: str) -> None:
    teams_before = Team.objects.count()
    with pytest.raises(TeamRefused, match="not for you"):
        invitations.accept(asked, getattr(site, name))
    assert Team.objects.count() == teams_before


@pytest.mark.django_db(transaction=True)
def test_merging_against_submitting_loses_nothing(site: Site, asked: Invitation) -> None:
    """Whoever is first: the upload is the host's, or the merge is refused; never a submission without a team."""

    def race(number: int) -> str:
        try:
            if number == 0:
                invitations.accept(asked, site.carol)
            else:
                factories.submission(site.phase, site.strangers, user=site.carol, title=f"late {number}")
        except (TeamRefused, submissions.Refused) as refusal:
            return str(refusal)
        return ""

    answers = at_once(5, race)
    late = Submission.objects.filter(title__startswith="late")
    if answers[0]:
        assert "waits or runs" in answers[0]
        assert {one.team for one in late} == {site.strangers}
    else:
        assert not Team.objects.filter(pk=site.strangers.pk).exists()
        assert not late.exists()
    assert late.count() == answers[1:].count("")
    assert not Submission.objects.filter(state=State.UPLOADING).exists()


@pytest.mark.django_db(transaction=True)
def test_two_teams_that_ask_each_other_become_one_and_not_none(site: Site, asked: Invitation) -> None:
    back = invitations.ask_to_merge(site.strangers, site.carol, "Asphalt")

    def accept(number: int) -> str:
        try:
            invitations.accept((asked, back)[number], (site.carol, site.alice)[number])
        except TeamRefused as refusal:
            return str(refusal)
        return ""

    assert sorted(map(bool, at_once(2, accept))) == [False, True]
    assert Team.objects.filter(challenge=site.challenge).count() == 1
    assert Submission.objects.count() == 2
    assert Phase.objects.get(pk=site.phase.pk).board_rows.filter(standing=Standing.BEST).count() == 1
