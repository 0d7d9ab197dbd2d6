"""How people are asked to join a team, and teams to merge into one: asked by an owner, answered by whom it names."""

from __future__ import annotations

import datetime as dt

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from challenge import mails, merging, permissions, teams
from challenge.models import Answer, Invitation, Team
from challenge.teams import TeamRefused

HOLDS = dt.timedelta(days=14)
MOST_OPEN = 10
"""Of one team, not answered yet."""

MOST_A_DAY = 30
"""By one person, in whatever teams: nobody writes to the world through us."""


def still_open() -> QuerySet[Invitation]:
    """Those that can be answered."""
    related = ("team__challenge", "guest_team", "user", "by")
    return Invitation.objects.filter(answer="", expires__gt=timezone.now()).select_related(*related)


def invite(team: Team, by: User, whom: str) -> Invitation:
    """Asks a person to join, by user name or mail address, and mails her.

    Whether an address has an account here is not told. A user name that nobody has is: it would be a slip of the pen.

    Raises:
        TeamRefused: not an owner's act; nobody of that name; asked already; full, closed, or too many are open.
    """
    whom = whom.strip()
    with transaction.atomic():
        (held,) = teams.locked(team)
        _check_may_ask(held, by)
        if held.memberships.count() >= held.challenge.largest_team:
            raise TeamRefused(
                f"Your team is full: {held.challenge.largest_team} people are the most in this challenge."
            )
        named = _named(held, by, whom)
        if still_open().filter(team=held, **named).exists():
            raise TeamRefused(f"{whom} has been asked already, and has not answered yet.")
        made = Invitation.objects.create(team=held, by=by, expires=timezone.now() + HOLDS, **named)
        mails.invited(made)
    return made


def _named(team: Team, by: User, whom: str) -> dict[str, User | str]:
    """The fields that say who is meant."""
    if "@" in whom:
        try:
            validate_email(whom)
        except ValidationError:
            raise TeamRefused(f"“{whom[:100]}” is no mail address. Write it as name@example.org.") from None
        return {"email": whom.lower()[:254]}
    # Names differ by more than the case of their letters, but for accounts made by hand.
    name = whom[:150].replace("\x00", " ")  # PostgreSQL does not even look for a NUL.
    found = User.objects.filter(username__iexact=name, is_active=True)
    user = found.filter(username=name).first() or found.first()
    if user is None:
        raise TeamRefused(f"Nobody here is called “{whom[:100]}”. Look at the spelling, or give a mail address.")
    if user.pk == by.pk:
        raise TeamRefused("That is you.")
    if team.memberships.filter(user=user).exists():
        raise TeamRefused(f"{user} is in your team already.")
    return {"user": user}


def ask_to_merge(team: Team, by: User, name: str) -> Invitation:
    """Asks another team of the challenge, by its name, to become part of this one.

    Raises:
        TeamRefused: not an owner's act; no such team; asked already; or it would be refused for another reason that can
            be known now (merging.reasons).
    """
    with transaction.atomic():
        guest = Team.objects.filter(
            challenge=team.challenge_id, name__iexact=" ".join(name.replace("\x00", " ").split())[:60]
        ).first()
        if guest is None:
            raise TeamRefused(f"There is no team called “{name[:60]}” in this challenge.")
        if guest.pk == team.pk:
            raise TeamRefused("That is your own team.")
        held, guest = teams.locked(team, guest)
        _check_may_ask(held, by)
        if not guest.memberships.exists():
            raise TeamRefused(f"Nobody is in the team {guest} any more.")
        if still_open().filter(team=held, guest_team=guest).exists():
            raise TeamRefused(f"{guest} has been asked already, and has not answered yet.")
        if reasons := merging.reasons(held, guest, tells_all=False):
            raise TeamRefused(" ".join(reasons))
        made = Invitation.objects.create(team=held, by=by, guest_team=guest, expires=timezone.now() + HOLDS)
        mails.invited(made)
    return made


def _check_may_ask(team: Team, by: User) -> None:
    if not permissions.is_owner(by, team):
        raise TeamRefused("Only an owner of the team may do this.")
    teams.check_open(team)
    if not permissions.has_confirmed_address(by):
        raise TeamRefused(permissions.NOT_CONFIRMED)
    if still_open().filter(team=team).count() >= MOST_OPEN:
        raise TeamRefused(f"{MOST_OPEN} invitations of your team wait for an answer. Withdraw one first.")
    today = timezone.now() - dt.timedelta(days=1)
    if Invitation.objects.filter(by=by, created__gt=today).count() >= MOST_A_DAY:
        raise TeamRefused(f"You have sent {MOST_A_DAY} invitations within a day. Go on tomorrow.")


# Answers


def accept(invitation: Invitation, user: User) -> Team:
    """Joins the team, or merges hers into it. Returns the team she is in then.

    Raises:
        TeamRefused: it is not hers to answer, or no longer open; or the team can't take her (teams.join) or hers
            (merging.merge). It stays open then.
    """
    with transaction.atomic():
        held = _held(invitation, user)
        if held.guest_team is not None:
            held.answer, held.answered_at = Answer.ACCEPTED, timezone.now()
            held.save(update_fields=["answer", "answered_at"])
            return merging.merge(held.team, held.guest_team, asked_by=held.by, accepted_by=user)
        teams.join(held.team, user)
        _answer(held, Answer.ACCEPTED)
        mails.answered(held)
        return held.team


def decline(invitation: Invitation, user: User) -> None:
    """Raises TeamRefused if it is not hers to answer, or no longer open."""
    with transaction.atomic():
        held = _held(invitation, user)
        _answer(held, Answer.DECLINED)
        mails.answered(held)


def withdraw(invitation: Invitation, by: User) -> None:
    """Raises TeamRefused if it is not an owner's act, or no longer open."""
    with transaction.atomic():
        held = still_open().select_for_update(of=("self",)).filter(pk=invitation.pk).first()
        if held is None:
            raise TeamRefused("It is no longer open.")
        if not permissions.is_owner(by, held.team):
            raise TeamRefused("Only an owner of the team may do this.")
        _answer(held, Answer.WITHDRAWN)


def _held(invitation: Invitation, user: User) -> Invitation:
    """As it is now, and hers to answer. Its team is held first, as by all who change a team."""
    if invitation.guest_team is not None:
        merging.hold(invitation.team, invitation.guest_team)
    else:
        teams.locked(invitation.team)
    if not permissions.can_answer(user, invitation):
        raise TeamRefused("This invitation is not for you.")
    held = still_open().select_for_update(of=("self",)).filter(pk=invitation.pk).first()
    if held is None:
        raise TeamRefused("This invitation is no longer open. Ask for another one.")
    return held


def _answer(invitation: Invitation, answer: Answer) -> None:
    invitation.answer, invitation.answered_at = answer, timezone.now()
    invitation.save(update_fields=["answer", "answered_at"])


# Lists


def for_person(user: User) -> QuerySet[Invitation]:
    """Those that wait for her answer, newest first."""
    return still_open().filter(pk__in=permissions.answerable_invitations(user).values("pk"))


def sent_by(team: Team) -> QuerySet[Invitation]:
    """Those of a team that wait for an answer."""
    return still_open().filter(team=team)


def forget(user: User) -> None:
    """An account is closed: what asked it, or was asked by it and not answered, goes."""
    Invitation.objects.filter(Q(user=user) | Q(by=user, answer="")).delete()
