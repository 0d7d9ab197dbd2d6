"""Choosing, disqualifying, revealing: who may, when, what follows, and what is written down."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.utils import timezone

from challenge import leaderboard, permissions, ranking, submissions
from challenge.models import AuditEntry, Notice, Phase, Standing, Submission
from challenge.submissions import Refused
from sandbox import Code
from tests import factories
from tests.conftest import Site


def board(site: Site, standing: Standing = Standing.BEST) -> list[Submission]:
    return [row.submission for row in leaderboard.page(site.phase, standing)]


def edit(phase: Phase, **changes: Any) -> None:
    for name, value in changes.items():
        setattr(phase, name, value)
    phase.save()


def closed(phase: Phase) -> None:
    """An hour ago."""
    edit(phase, closes=timezone.now() - dt.timedelta(hours=1))


# The choice


def test_a_choice_can_be_changed_and_taken_back(site: Site) -> None:
    best = factories.finished(site.phase, site.team, 0.5)
    other = factories.finished(site.phase, site.team, 0.4)
    assert board(site, Standing.FINAL) == [best]
    ranking.choose_final(other, site.alice)
    assert other.is_chosen
    assert board(site, Standing.FINAL) == [other]
    ranking.choose_final(best, site.bob)
    assert board(site, Standing.FINAL) == [best]
    assert list(Submission.objects.filter(is_chosen=True)) == [best]
    ranking.unchoose_final(best, site.alice)
    assert not Submission.objects.filter(is_chosen=True).exists()
    assert board(site, Standing.FINAL) == [best]
    assert not AuditEntry.objects.exists(), "a team's own choice is no organizer's act"


@pytest.mark.parametrize("person", ["carol", "olga", "otto", "stella"])
def test_nobody_chooses_for_a_team(site: Site, person: str) -> None:
    made = factories.finished(site.phase, site.team)
    for act in (ranking.choose_final, ranking.unchoose_final):
        with pytest.raises(Refused, match="Only its team"):
            act(made, getattr(site, person))


def test_a_choice_is_for_what_has_a_score_and_while_the_phase_is_open(site: Site) -> None:
    waiting = factories.submission(site.phase, site.team)
    with pytest.raises(Refused, match="with a score"):
        ranking.choose_final(waiting, site.alice)
    attempt = submissions.claim("w", 60)
    assert attempt is not None
    submissions.publish(attempt, factories.report(Code.MEMORY_LIMIT))
    with pytest.raises(Refused, match="with a score"):
        ranking.choose_final(waiting, site.alice)
    made = factories.finished(site.phase, site.team)
    out = factories.finished(site.phase, site.team)
    ranking.disqualify(out, site.olga, "copied")
    with pytest.raises(Refused, match="disqualified"):
        ranking.choose_final(out, site.alice)
    ranking.choose_final(made, site.alice)
    closed(site.phase)
    for act in (ranking.choose_final, ranking.unchoose_final):
        with pytest.raises(Refused, match="This phase closed on"):
            act(made, site.alice)
    made.refresh_from_db()
    assert made.is_chosen


def test_a_chosen_submission_that_falls_out_leaves_the_best_to_stand(site: Site) -> None:
    best = factories.finished(site.phase, site.team, 0.5)
    chosen = factories.finished(site.phase, site.team, 0.4)
    ranking.choose_final(chosen, site.alice)
    ranking.disqualify(chosen, site.olga, "copied")
    assert board(site, Standing.FINAL) == [best]
    ranking.reinstate(chosen, site.olga, "it was not")
    assert board(site, Standing.FINAL) == [chosen]


# Disqualification


def test_a_disqualified_submission_is_in_no_ranking_and_everybody_may_read_why(site: Site) -> None:
    out = factories.finished(site.phase, site.team, 0.9)
    kept = factories.finished(site.phase, site.team, 0.5)
    assert [step.submission for step in leaderboard.history(site.phase)] == [out]
    ranking.disqualify(out, site.olga, "  trained on the\n validation images ")
    for standing in Standing:
        assert board(site, standing) == [kept]
    assert [step.submission for step in leaderboard.history(site.phase)] == [kept]
    (line,) = leaderboard.disqualified(site.phase)
    assert (line.team, line.submission, line.why) == (site.team, out, "trained on the validation images")
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.act, entry.details["why"]) == ("olga", "disqualify", "trained on the validation images")
    assert Notice.objects.filter(user=site.alice, body__contains="trained on the validation images").exists()
    ranking.reinstate(out, site.stella, "the images were public")
    assert board(site) == [out]
    assert leaderboard.disqualified(site.phase) == []
    assert list(AuditEntry.objects.values_list("act", flat=True)) == ["reinstate", "disqualify"]


def test_a_disqualified_team_is_in_no_ranking_of_any_phase(site: Site) -> None:
    final = factories.PhaseFactory(challenge=site.challenge, dataset=site.dataset, slug="final")
    for phase in (site.phase, final):
        factories.finished(phase, site.team, 0.9)
        factories.finished(phase, site.strangers, 0.5, user=site.carol)
    ranking.disqualify(site.team, site.olga, "two accounts")
    for phase in (site.phase, final):
        for standing in Standing:
            assert [row.team for row in leaderboard.page(phase, standing)] == [site.strangers]
        assert [(line.team, line.submission) for line in leaderboard.disqualified(phase)] == [(site.team, None)]
    factories.finished(site.phase, site.team, 0.95)
    assert [row.team for row in leaderboard.page(site.phase)] == [site.strangers], "nor is what it sends later"
    ranking.reinstate(site.team, site.olga, "they were two people")
    assert [row.miou for row in leaderboard.page(site.phase)] == [0.95, 0.5]
    assert [row.miou for row in leaderboard.page(final)] == [0.9, 0.5]


@pytest.mark.parametrize("person", ["alice", "carol", "otto"])
def test_only_organizers_and_staff_disqualify(site: Site, person: str) -> None:
    made = factories.finished(site.phase, site.team)
    for what in (made, site.team):
        for act in (ranking.disqualify, ranking.reinstate):
            with pytest.raises(Refused, match="Only organizers"):
                act(what, getattr(site, person), "because")
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("reason", "words"), [("", "Give a reason"), (" \n ", "Give a reason"), ("x" * 301, "at most 300")]
)
def test_a_reason_is_needed(site: Site, reason: str, words: str) -> None:
    made = factories.finished(site.phase, site.team)
    with pytest.raises(Refused, match=words):
        ranking.disqualify(made, site.olga, reason)


def test_twice_is_refused(site: Site) -> None:
    made = factories.finished(site.phase, site.team)
    with pytest.raises(Refused, match="is not disqualified"):
        ranking.reinstate(made, site.olga, "why not")
    ranking.disqualify(made, site.olga, "copied")
    with pytest.raises(Refused, match="is disqualified already"):
        ranking.disqualify(made, site.olga, "copied again")
    made.refresh_from_db()
    assert made.disqualified_why == "copied"


# The reveal


def test_the_reveal_ends_the_freeze_and_makes_the_final_standing_public(site: Site) -> None:
    before = factories.finished(site.phase, site.team, 0.4)
    edit(site.phase, freezes=timezone.now())
    later = factories.finished(site.phase, site.team, 0.6)
    assert board(site) == [before]
    visitor = factories.UserFactory()
    assert Standing.FINAL not in permissions.standings_for(visitor, site.phase)
    closed(site.phase)
    assert Standing.FINAL not in permissions.standings_for(visitor, site.phase), "closed is not revealed"
    ranking.reveal(site.phase, site.olga)
    assert site.phase.revealed_at is not None
    assert permissions.standings_for(visitor, site.phase)[0] == Standing.FINAL
    assert board(site) == [later]
    assert [step.submission for step in leaderboard.history(site.phase)] == [before, later]
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.act, entry.what) == ("olga", "reveal", "Revealed the final standing of Validation")
    with pytest.raises(Refused, match="was revealed on"):
        ranking.reveal(site.phase, site.olga)
    with pytest.raises(Refused, match="has been revealed"):
        ranking.choose_final(before, site.alice)


def test_no_reveal_while_scores_are_to_come(site: Site) -> None:
    edit(site.phase, public_share=50)
    with pytest.raises(Refused, match="The phase is open until"):
        ranking.reveal(site.phase, site.olga)
    one, _ = factories.submission(site.phase, site.team), factories.submission(site.phase, site.team)
    claimed = submissions.claim("w", 60)
    assert claimed is not None
    closed(site.phase)
    with pytest.raises(Refused, match="still to come: 1 waiting, 1 being evaluated"):
        ranking.reveal(site.phase, site.olga)
    submissions.publish(claimed, factories.report(skills=[0.5] * 8))
    for left in Submission.objects.filter(state="queued"):
        submissions.cancel(left, site.olga)
    ranking.reveal(site.phase, site.olga)
    assert board(site, Standing.FINAL) == [one]


def test_an_upload_that_may_still_be_completed_is_waited_for_and_an_abandoned_one_is_not(site: Site) -> None:
    edit(site.phase, public_share=50, closes=timezone.now() - dt.timedelta(minutes=29))
    made = Submission.objects.create(phase=site.phase, team=site.team, creator=site.alice, kind="code", title="x")
    assert made.state == "uploading"
    assert "1 being uploaded" in ranking.why_not_reveal(site.phase)
    edit(site.phase, closes=timezone.now() - dt.timedelta(minutes=31))
    assert ranking.why_not_reveal(site.phase) == ""


def test_nothing_to_reveal(site: Site) -> None:
    closed(site.phase)
    with pytest.raises(Refused, match="neither a private part nor a freeze"):
        ranking.reveal(site.phase, site.olga)
    assert permissions.standings_for(factories.UserFactory(), site.phase)[0] == Standing.FINAL


@pytest.mark.parametrize("person", ["alice", "carol", "otto"])
def test_only_organizers_and_staff_reveal(site: Site, person: str) -> None:
    edit(site.phase, public_share=50)
    closed(site.phase)
    with pytest.raises(Refused, match="Only organizers"):
        ranking.reveal(site.phase, getattr(site, person))


@pytest.mark.parametrize(
    ("changes", "hours_to_close", "public"),
    [
        ({}, 1, False),
        ({}, -1, True),
        ({"public_share": 50}, -1, False),
        ({"freezes": True}, -1, False),
        ({"public_share": 50, "revealed_at": True}, -1, True),
        ({"freezes": True, "revealed_at": True}, -1, True),
    ],
)
def test_when_the_final_standing_is_public(
    site: Site, changes: dict[str, Any], hours_to_close: int, public: bool
) -> None:
    now = timezone.now()
    moments = {name: now - dt.timedelta(hours=2) if value is True else value for name, value in changes.items()}
    edit(site.phase, closes=now + dt.timedelta(hours=hours_to_close), **moments)
    takes_part = factories.UserFactory(username="both")
    site.challenge.organizers.add(takes_part)
    factories.team(site.challenge, takes_part, name="Both")
    sees: dict[str, User] = {name: getattr(site, name) for name in ("alice", "carol", "olga", "otto", "stella")}
    for name, person in {**sees, "both": takes_part}.items():
        expected = public or name in ("olga", "stella")
        assert (Standing.FINAL in permissions.standings_for(person, site.phase)) is expected, name
    assert not mail.outbox
