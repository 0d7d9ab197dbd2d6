"""A person's team in a challenge: one page with everything about it, and what is done there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from challenge import invitations, permissions, quotas, teams
from challenge.agenda import main_phase
from challenge.forms.teams import InviteForm, MergeForm, TeamNameForm
from challenge.models import BoardRow, Challenge, Role, Standing, Team
from challenge.views import finding

FORMS: dict[str, type[forms.Form]] = {
    "found": TeamNameForm,
    "rename": TeamNameForm,
    "invite": InviteForm,
    "merge": MergeForm,
}


@login_required
@never_cache
@require_safe
def my_team(request: HttpRequest, slug: str) -> HttpResponse:
    """Who is in it, who is asked, what it has used; or, for a person without one, how to get into one."""
    return _page(request, finding.challenge(request, slug))


def _page(request: HttpRequest, challenge: Challenge, wrong: dict[str, forms.Form] | None = None) -> HttpResponse:
    """`wrong`: the form that was sent and could not be taken, by its name."""
    user = cast(User, request.user)
    phases = list(challenge.phases.all())
    context: dict[str, Any] = {
        "challenge": challenge,
        "phase": main_phase(phases),
        "may_edit": permissions.can_edit(user, challenge),
        "for_me": invitations.for_person(user).filter(team__challenge=challenge),
        **{f"{name}_form": form(auto_id=f"{name}_%s") for name, form in FORMS.items()},
    }
    membership = teams.membership_of(user, challenge)
    if membership is not None:
        membership.team.challenge = challenge
        context |= _about(membership.team, phases) | {"is_owner": membership.role == Role.OWNER}
    context |= {f"{name}_form": form for name, form in (wrong or {}).items()}
    return render(request, "my_team.html", context, status=400 if wrong else 200)


def _about(team: Team, phases: list[Any]) -> dict[str, Any]:
    members = list(team.memberships.select_related("user").order_by("joined", "pk"))
    used = quotas.quotas(phases, team)
    best = {row.phase_id: row for row in BoardRow.objects.filter(team=team, standing=Standing.BEST)}
    return {
        "team": team,
        "members": members,
        "owners": sum(member.role == Role.OWNER for member in members),
        "room": max(0, team.challenge.largest_team - len(members)),
        "closed": teams.why_closed(team),
        "sent": list(invitations.sent_by(team)),
        "most_open": invitations.MOST_OPEN,
        "usage": [(phase, used[phase.pk], best.get(phase.pk)) for phase in phases],
    }


def _act(request: HttpRequest, slug: str, name: str, do: Callable[[Challenge, str], str]) -> HttpResponse:
    """Takes one of the page's forms, does it, and says what was done; or shows the page with what is wrong."""
    challenge = finding.challenge(request, slug)
    form = FORMS[name](request.POST, auto_id=f"{name}_%s")
    if form.is_valid():
        (field,) = form.fields
        try:
            messages.success(request, do(challenge, form.cleaned_data[field]))
        except teams.TeamRefused as refusal:
            form.add_error(field, str(refusal))
        else:
            return redirect("my_team", slug)
    return _page(request, challenge, {name: form})


def _mine(request: HttpRequest, challenge: Challenge) -> Team:
    team = teams.team_of(request.user, challenge)
    if team is None:
        raise teams.TeamRefused("You are in no team of this challenge.")
    return team


@login_required
@require_POST
def team_found(request: HttpRequest, slug: str) -> HttpResponse:
    """A team of one."""

    def do(challenge: Challenge, name: str) -> str:
        team = teams.found(challenge, cast(User, request.user), name)
        return f"{team} is founded, and you are its owner."

    return _act(request, slug, "found", do)


@login_required
@require_POST
def team_rename(request: HttpRequest, slug: str) -> HttpResponse:
    """Another name."""

    def do(challenge: Challenge, name: str) -> str:
        team = _mine(request, challenge)
        teams.rename(team, cast(User, request.user), name)
        return f"Your team is called {team} now."

    return _act(request, slug, "rename", do)


@login_required
@require_POST
def team_invite(request: HttpRequest, slug: str) -> HttpResponse:
    """Asks a person to join."""

    def do(challenge: Challenge, whom: str) -> str:
        made = invitations.invite(_mine(request, challenge), cast(User, request.user), whom)
        return f"{made.user or made.email} is asked by mail, and has two weeks to answer."

    return _act(request, slug, "invite", do)


@login_required
@require_POST
def team_merge(request: HttpRequest, slug: str) -> HttpResponse:
    """Asks another team to become part of this one."""

    def do(challenge: Challenge, name: str) -> str:
        made = invitations.ask_to_merge(_mine(request, challenge), cast(User, request.user), name)
        return f"The owners of {made.guest_team} are asked by mail, and have two weeks to answer."

    return _act(request, slug, "merge", do)


@login_required
@require_POST
def team_leave(request: HttpRequest, slug: str) -> HttpResponse:
    """Takes herself out."""
    challenge = finding.challenge(request, slug)
    try:
        team = _mine(request, challenge)
        stays = teams.leave(team, cast(User, request.user))
        messages.success(request, f"You have left {team}." + ("" if stays else " Nobody was left in it: it is gone."))
    except teams.TeamRefused as refusal:
        messages.error(request, str(refusal))
    return redirect("my_team", slug)


@login_required
@require_POST
def team_member(request: HttpRequest, slug: str) -> HttpResponse:
    """What an owner does with somebody in the team, `user`: `act` is remove, promote, hand_over or step_down."""
    challenge = finding.challenge(request, slug)
    try:
        messages.success(request, _with_member(request, _mine(request, challenge)))
    except teams.TeamRefused as refusal:
        messages.error(request, str(refusal))
    return redirect("my_team", slug)


def _with_member(request: HttpRequest, team: Team) -> str:
    by, act = cast(User, request.user), request.POST.get("act", "")
    if act == "step_down":
        teams.step_down(team, by)
        return "You are a member now, and no longer an owner."
    name = request.POST.get("user", "")[:150].replace("\x00", "")
    user = User.objects.filter(memberships__team=team, username=name).first()
    if user is None:
        raise teams.TeamRefused("Nobody of that name is in your team.")
    if act == "remove":
        teams.remove(team, user, by)
        return f"{user} is no longer in the team."
    if act == "promote":
        teams.promote(team, user, by)
        return f"{user} is an owner too."
    if act == "hand_over":
        teams.hand_over(team, user, by)
        return f"{user} owns the team now; you are a member."
    raise teams.TeamRefused("Choose what is to be done.")
