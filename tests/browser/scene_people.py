"""What scene.py's people have beside their submissions: invitations, tokens, addresses, and Priya a second factor."""

from __future__ import annotations

import datetime as dt

from allauth.account.models import EmailAddress
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth.models import User
from django.utils import timezone

from challenge import invitations, subscriptions, teams, tokens
from challenge.models import Challenge, Team, Token, Topic
from tests import factories

SECRET = "PARAKHPARAKHPARAKHPARAKHPARAKH23"
"""Of Priya's authenticator app."""


def furnish(challenge: Challenge, cast: dict[str, User]) -> dict[str, str]:
    """Adds it all, and returns addresses by name."""
    alice = cast["alice"]
    for user in cast.values():
        EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    EmailAddress.objects.create(user=alice, email="alice@work.example.com", primary=False, verified=False)
    for name, days in (("laptop", None), ("nightly training", 90)):
        tokens.make(alice, name, days)
    Token.objects.filter(name="laptop").update(last_used=timezone.now() - dt.timedelta(hours=3))
    asphalt = Team.objects.get(challenge=challenge, name="Asphalt")
    teams.join(asphalt, factories.UserFactory(username="devi"))
    to_otto = invitations.invite(asphalt, alice, "otto")
    invitations.invite(asphalt, alice, "nadia@example.org")
    to_gravel = invitations.ask_to_merge(asphalt, alice, "Gravel")
    priya = factories.UserFactory(username="priya")
    TOTP.activate(priya, SECRET)
    RecoveryCodes.activate(priya)
    return {
        "invitation": f"/invitations/{to_otto.pk}/",
        "invitation-merge": f"/invitations/{to_gravel.pk}/",
        "mail-stop": "/" + subscriptions.link(alice.pk, Topic.NEWS).split("/", 3)[3],
    }
