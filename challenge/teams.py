"""Who is in which team, and what each may do there.

All that changes a team holds its row (`locked`), so that two who do things at once do them one after the other. How
people are asked to join is in invitations.py; how two teams become one, in merging.py.
"""

from __future__ import annotations

import secrets

from django.contrib.auth.models import AnonymousUser, User
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import slugify

from challenge import audit, mails, permissions, quotas
from challenge.models import Answer, Challenge, Invitation, Membership, Role, Team


class TeamRefused(Exception):
    """It can't be done with this team now; the message is for the person who asked: why, and what to do."""


def team_of(user: User | AnonymousUser, challenge: Challenge) -> Team | None:
    """The user's team in this challenge, if there is one."""
    membership = membership_of(user, challenge)
    return membership.team if membership else None


def membership_of(user: User | AnonymousUser, challenge: Challenge) -> Membership | None:
    """The same, with her role in it."""
    if not user.is_authenticated:
        return None
    return Membership.objects.select_related("team").filter(challenge=challenge, user=user).first()


def locked(*teams: Team) -> list[Team]:
    """The same teams as they are now, held until the transaction ends. Always in one order: no two wait for each other.

    Raises:
        TeamRefused: one of them is no more.
    """
    rows = Team.objects.select_for_update(no_key=True, of=("self",)).select_related("challenge")
    found = {row.pk: row for row in rows.filter(pk__in=[team.pk for team in teams]).order_by("pk")}
    if len(found) < len({team.pk for team in teams}):
        raise TeamRefused("This team is no more.")
    return [found[team.pk] for team in teams]


# Founding and naming


def found(challenge: Challenge, user: User, name: str) -> Team:
    """Makes a team of one, its owner.

    Raises:
        TeamRefused: the name is empty or taken, or the user is in a team of this challenge already, or has not
            confirmed her address.
    """
    if not permissions.has_confirmed_address(user):
        raise TeamRefused(permissions.NOT_CONFIRMED)
    team = Team(challenge=challenge)
    _name(team, name)
    try:
        with transaction.atomic():
            team.save()
            Membership.objects.create(team=team, challenge=challenge, user=user, role=Role.OWNER)
    except IntegrityError:
        current = team_of(user, challenge)
        if current is not None:
            raise TeamRefused(f"You are in the team “{current}” of this challenge already.") from None
        raise _taken(team) from None
    return team


def rename(team: Team, by: User, name: str) -> None:
    """Gives it another name, and so its page another address.

    Raises:
        TeamRefused: not hers to do, or the name is empty or taken.
    """
    try:
        with transaction.atomic():
            (held,) = locked(team)
            if why := permissions.why_not_rename(by, held):
                raise TeamRefused(why)
            before = held.name
            _name(held, name)
            held.save(update_fields=["name", "slug"])
            if not permissions.is_owner(by, held):
                what = f"Renamed the team {before} to {held.name}"
                audit.note(held.challenge, by, "rename", what, team=held.pk, before=before, after=held.name)
    except IntegrityError:
        raise _taken(held) from None
    team.name, team.slug = held.name, held.slug


def _name(team: Team, name: str) -> None:
    name = " ".join(name.split())
    if not any(character.isalnum() for character in name) or not name.isprintable():
        raise TeamRefused("A team's name needs at least one letter or digit.")
    if len(name) > 60:
        raise TeamRefused("A team's name has at most 60 characters.")
    # A name in another script than Latin leaves nothing for its address: that is drawn then.
    team.name = name
    team.slug = slugify(name).replace("_", "-").strip("-")[:50] or f"team-{secrets.token_hex(4)}"


def _taken(team: Team) -> TeamRefused:
    return TeamRefused(f"The name “{team.name}” is taken in this challenge. Choose another.")


# Coming and going


def why_closed(team: Team) -> str:
    """Why nobody may come, go or merge now; empty if they may."""
    closes = team.challenge.teams_close
    if team.is_baseline:
        return "This is a baseline: it has no people."
    if team.disqualified_at is not None:
        return f"The team {team} is disqualified: nobody joins or leaves it. Write to the organizers."
    if closes is not None and closes <= timezone.now():
        return f"Teams of this challenge have been closed since {closes:%d %B %Y, %H:%M} UTC: they stay as they are."
    return ""


def check_open(team: Team) -> None:
    """Raises TeamRefused if nobody may come, go or merge now."""
    if why := why_closed(team):
        raise TeamRefused(why)


def join(team: Team, user: User) -> Membership:
    """Puts a user into a team. Whether she was invited is for invitations.py to see.

    Raises:
        TeamRefused: she is in another team of this challenge, the team is full or closed, or together they have used
            more than one team may.
    """
    with transaction.atomic():
        (held,) = locked(team)
        current = membership_of(user, held.challenge)
        if current is not None and current.team_id == held.pk:
            return current
        if current is not None:
            raise TeamRefused(
                f"{user} is in the team “{current.team}” of this challenge already. Leave it first, or have "
                f"“{held}” ask “{current.team}” to merge."
            )
        check_open(held)
        if not permissions.has_confirmed_address(user):
            raise TeamRefused(permissions.NOT_CONFIRMED)
        most = held.challenge.largest_team
        if held.memberships.count() >= most:
            raise TeamRefused(f"The team {held} is full: {most} people are the most in this challenge.")
        if why := quotas.excess(list(held.challenge.phases.all()), [held], [user.pk]):
            raise TeamRefused(why)
        try:
            with transaction.atomic():
                return Membership.objects.create(team=held, challenge=held.challenge, user=user)
        except IntegrityError:
            raise TeamRefused(f"{user} has just joined another team of this challenge.") from None


def leave(team: Team, user: User) -> bool:
    """Takes herself out. What she has sent stays with the team. A team left empty goes, unless something was sent.

    Returns:
        True if the team still is.

    Raises:
        TeamRefused: she is not in it, it is closed, or she is its last owner and others are in it.
    """
    with transaction.atomic():
        (held,) = locked(team)
        membership = _membership(held, user)
        check_open(held)
        others = held.memberships.exclude(pk=membership.pk)
        if membership.role == Role.OWNER and others.exists() and not others.filter(role=Role.OWNER).exists():
            raise TeamRefused("You are its only owner. Hand the team over to somebody in it first, then leave.")
        membership.delete()
        return _tidy(held)


def let_go(membership: Membership) -> None:
    """Takes out a person whose account is closed, whatever the rules: the longest in the team becomes its owner."""
    with transaction.atomic():
        (held,) = locked(membership.team)
        membership.delete()
        left = held.memberships.order_by("joined", "pk")
        if left.exists() and not left.filter(role=Role.OWNER).exists():
            Membership.objects.filter(pk=left[0].pk).update(role=Role.OWNER)
        _tidy(held)


def remove(team: Team, user: User, by: User) -> None:
    """Takes another person out. What she has sent stays with the team.

    Raises:
        TeamRefused: not an owner's act, or she is an owner too, or the team is closed.
    """
    with transaction.atomic():
        (held,) = locked(team)
        _require_owner(held, by)
        check_open(held)
        membership = _membership(held, user)
        if membership.role == Role.OWNER:
            raise TeamRefused(f"{user} is an owner: owners go by themselves only.")
        membership.delete()
        mails.removed(held, user, by)


def _tidy(team: Team) -> bool:
    """After somebody has gone: a team that nobody is in and that has sent nothing goes too. True if it stays."""
    if team.memberships.exists():
        return True
    if not team.submissions.exists():
        team.delete()
        return False
    nobody_answers = Invitation.objects.filter(team=team, answer="") | Invitation.objects.filter(
        guest_team=team, answer=""
    )
    nobody_answers.update(answer=Answer.WITHDRAWN, answered_at=timezone.now())
    return True


# Roles


def promote(team: Team, user: User, by: User) -> None:
    """Makes a member an owner too. There is no way to take it back but her own.

    Raises:
        TeamRefused: not an owner's act, or she is not in it.
    """
    with transaction.atomic():
        (held,) = locked(team)
        _require_owner(held, by)
        membership = _membership(held, user)
        Membership.objects.filter(pk=membership.pk).update(role=Role.OWNER)


def hand_over(team: Team, user: User, by: User) -> None:
    """Makes a member an owner in one's own place.

    Raises:
        TeamRefused: not an owner's act, or she is not in it.
    """
    with transaction.atomic():
        promote(team, user, by)
        if user.pk != by.pk:
            team.memberships.filter(user=by).update(role=Role.MEMBER)


def step_down(team: Team, user: User) -> None:
    """An owner becomes a member.

    Raises:
        TeamRefused: she is the last owner.
    """
    with transaction.atomic():
        (held,) = locked(team)
        _require_owner(held, user)
        if not held.memberships.filter(role=Role.OWNER).exclude(user=user).exists():
            raise TeamRefused("You are its only owner. Hand the team over instead.")
        held.memberships.filter(user=user).update(role=Role.MEMBER)


def _require_owner(team: Team, by: User) -> None:
    if not permissions.is_owner(by, team):
        raise TeamRefused("Only an owner of the team may do this.")


def _membership(team: Team, user: User) -> Membership:
    found = team.memberships.filter(user=user).first()
    if found is None:
        raise TeamRefused(f"{user} is not in the team {team}.")
    return found
