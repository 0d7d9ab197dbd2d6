"""Who is in which team."""

from __future__ import annotations

import secrets

from django.contrib.auth.models import AnonymousUser, User
from django.db import IntegrityError, transaction
from django.utils.text import slugify

from challenge import permissions
from challenge.models import Challenge, Membership, Team


class TeamRefused(Exception):
    """The team can't be made or joined; the message is for the person who asked."""


def team_of(user: User | AnonymousUser, challenge: Challenge) -> Team | None:
    """The user's team in this challenge, if there is one."""
    if not user.is_authenticated:
        return None
    membership = Membership.objects.select_related("team").filter(challenge=challenge, user=user).first()
    return membership.team if membership else None


def found(challenge: Challenge, user: User, name: str) -> Team:
    """Makes a team of one.

    Raises:
        TeamRefused: the name is empty or taken, or the user is in a team of this challenge already, or has not
            confirmed her address.
    """
    if not permissions.has_confirmed_address(user):
        raise TeamRefused(permissions.NOT_CONFIRMED)
    name = " ".join(name.split())
    if not any(character.isalnum() for character in name) or not name.isprintable():
        raise TeamRefused("A team's name needs at least one letter or digit.")
    if len(name) > 60:
        raise TeamRefused("A team's name has at most 60 characters.")
    # A name in another script than Latin leaves nothing for its address: that is drawn then.
    slug = slugify(name).replace("_", "-").strip("-")[:50] or f"team-{secrets.token_hex(4)}"
    team = Team(challenge=challenge, name=name, slug=slug)
    try:
        with transaction.atomic():
            team.save()
            Membership.objects.create(team=team, challenge=challenge, user=user)
    except IntegrityError:
        current = team_of(user, challenge)
        if current is not None:
            raise TeamRefused(f"You are in the team “{current}” of this challenge already.") from None
        raise TeamRefused(f"The name “{name}” is taken in this challenge. Choose another.") from None
    return team


def join(team: Team, user: User) -> Membership:
    """Puts a user into a team.

    Raises:
        TeamRefused: the user is in another team of this challenge.
    """
    membership, _ = Membership.objects.get_or_create(challenge=team.challenge, user=user, defaults={"team": team})
    if membership.team_id != team.pk:
        raise TeamRefused(f"{user} is in the team “{membership.team}” of this challenge already.")
    return membership
