"""How an account is closed: what of a person goes, and what stays because it is her team's or the competition's."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, QuerySet

from challenge import invitations, submissions, teams, uploads
from challenge.models import Challenge, IdempotencyKey, Membership, Notice, Profile, State, Submission, Token


class ClosingRefused(Exception):
    """The account can't be closed now; the message says what to do first."""


def obstacles(user: User) -> list[str]:
    """Why it can't be closed now: sentences, all of them at once."""
    found = []
    if user.is_staff:
        found.append("You are staff. Have another administrator take that from you first.")
    for challenge in _organized_alone(user):
        found.append(f"You are the only organizer of “{challenge}”. Add another one, or ask staff to.")
    return found


def _organized_alone(user: User) -> QuerySet[Challenge]:
    hers = user.organized_challenges.values("pk")
    return Challenge.objects.filter(pk__in=hers).annotate(count=Count("organizers")).filter(count=1)


def close(user: User) -> None:
    """Closes it for good. Her submissions stay with their teams, under a name that tells nothing of her.

    Raises:
        ClosingRefused: she is staff, or the only organizer of a challenge.
    """
    for begun in Submission.objects.filter(creator=user, state=State.UPLOADING):
        submissions.cancel(begun, by=user)
        uploads.remove(begun)
    with transaction.atomic():
        held = User.objects.select_for_update().get(pk=user.pk)
        if why := obstacles(held):
            raise ClosingRefused(" ".join(why))
        for membership in Membership.objects.filter(user=held).select_related("team"):
            teams.let_go(membership)
        invitations.forget(held)
        for model in (Token, EmailAddress, Authenticator, Profile, IdempotencyKey, Notice):
            model.objects.filter(user=held).delete()
        held.organized_challenges.clear()
        if Submission.objects.filter(creator=held).exists():
            _blank(held)
        else:
            held.delete()


def _blank(user: User) -> None:
    """The row that submissions name as their sender. Nobody logs in with it, and no session of hers goes on."""
    user.groups.clear()
    user.user_permissions.clear()
    user.username, user.email, user.first_name, user.last_name = f"deleted-{user.pk}", "", "", ""
    user.is_active, user.last_login = False, None
    user.set_unusable_password()
    user.save()
