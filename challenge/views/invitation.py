"""An invitation: the page that its mail leads to, and the answer."""

from __future__ import annotations

import uuid
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from challenge import invitations, merging, permissions, quotas, teams
from challenge.models import Invitation


@login_required
@never_cache
@require_safe
def invitation(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """What accepting means, and why it can't be done now if so. For whom it names, and for owners of the team."""
    user = cast(User, request.user)
    found = _find(request, pk)
    is_open = not found.answer and found.expires > timezone.now()
    may_answer = permissions.can_answer(user, found)
    context = {
        "invitation": found,
        "challenge": found.team.challenge,
        "is_open": is_open,
        "may_answer": may_answer,
        "obstacles": _obstacles(found, user) if is_open and may_answer else [],
        "members": [row.user.get_username() for row in found.team.memberships.select_related("user")[:100]],
    }
    return render(request, "invitation.html", context)


def _find(request: HttpRequest, pk: uuid.UUID) -> Invitation:
    return get_object_or_404(permissions.visible_invitations(request.user), pk=pk)


def _obstacles(found: Invitation, user: User) -> list[str]:
    """Said before somebody presses the button; what counts is what is so when she does."""
    team = found.team
    if found.guest_team is not None:
        return merging.reasons(team, found.guest_team)
    current = teams.team_of(user, team.challenge)
    if current is not None:
        return [
            f"You are in the team “{current}” of this challenge. Leave it first; or have “{team}” ask “{current}” to "
            "merge, if what you have sent is to come along."
        ]
    why = teams.why_closed(team) or quotas.excess(list(team.challenge.phases.all()), [team], [user.pk])
    return [why] if why else []


@login_required
@require_POST
def invitation_answer(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """`answer` is accept or decline, by whom it names; or withdraw, by an owner of the team that asked."""
    user = cast(User, request.user)
    found = _find(request, pk)
    slug, answer = found.team.challenge.slug, request.POST.get("answer", "")
    try:
        if answer == "accept":
            messages.success(request, f"Welcome: you are in {invitations.accept(found, user)} now.")
            return redirect("my_team", slug)
        if answer == "decline":
            invitations.decline(found, user)
            messages.success(request, "Declined.")
        elif answer == "withdraw":
            invitations.withdraw(found, user)
            messages.success(request, "Withdrawn.")
            return redirect("my_team", slug)
        else:
            messages.error(request, "Choose an answer.")
    except teams.TeamRefused as refusal:
        messages.error(request, str(refusal))
    return redirect("invitation", pk)
