"""Every submission and every team of a challenge; what organizers do to many at once; the audit trail."""

from __future__ import annotations

import uuid
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from challenge import ranking, submissions
from challenge.admission import Refused
from challenge.models import Challenge, Kind, State, Submission
from challenge.organizing import acts, reruns
from challenge.views import finding
from challenge.views.manage.acting import head
from challenge.views.manage.exports import predictions_of
from challenge.views.paging import paged

MOST_CHOSEN = 200
"""Boxes ticked on one page, and a few more."""


@login_required
def challenge_submissions(request: HttpRequest, slug: str) -> HttpResponse:
    """Every submission to the challenge, filtered; ticked ones are run again, cancelled, disqualified or reinstated."""
    challenge = finding.challenge_to_edit(request, slug)
    context = head(challenge, "challenge_submissions")
    page = paged(request, _filtered(request, challenge))
    context |= {
        "page": page,
        "submissions": page.object_list,
        "states": State.choices,
        "kinds": Kind.choices,
        "asked": request.GET,
    }
    return render(request, "manage/challenge_submissions.html", context)


def _filtered(request: HttpRequest, challenge: Challenge) -> QuerySet[Submission]:
    """Those that the query string asks for; what it does not know is left out."""
    found = Submission.objects.filter(phase__challenge=challenge)
    if (phase := request.GET.get("phase")) and len(phase) <= 50:
        found = found.filter(phase__slug=phase)
    if (state := request.GET.get("state")) in State.values:
        found = found.filter(state=state)
    if (kind := request.GET.get("kind")) in Kind.values:
        found = found.filter(kind=kind)
    if team := request.GET.get("team", "")[:60].strip().replace("\x00", ""):
        found = found.filter(team__name__icontains=team)
    if request.GET.get("disqualified"):
        found = found.filter(disqualified_at__isnull=False)
    return found


@login_required
@require_POST
def challenge_submissions_act(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Does one thing to all that are ticked, and says of each that could not be why."""
    challenge = finding.challenge_to_edit(request, slug)
    user = cast(User, request.user)
    ids = [pk for pk in request.POST.getlist("chosen") if _is_uuid(pk)][:MOST_CHOSEN]
    chosen = Submission.objects.filter(pk__in=ids, phase__challenge=challenge).select_related("phase", "team")
    wanted, reason = request.POST.get("act", ""), request.POST.get("reason", "")
    if not ids:
        messages.error(request, "Nothing was done: tick the submissions first.")
    elif wanted == "predictions":
        return predictions_of(challenge, chosen)
    elif wanted == "rerun":
        _rerun(request, chosen, user, reason)
    elif wanted in ("cancel", "disqualify", "reinstate"):
        done = sum(_done(request, one, user, wanted, reason) for one in chosen)
        if done:
            messages.success(request, f"Done for {done} submission{'s' if done > 1 else ''}.")
    else:
        messages.error(request, "Nothing was done: choose what to do.")
    return redirect("challenge_submissions", slug)


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def _rerun(request: HttpRequest, chosen: QuerySet[Submission], user: User, reason: str) -> None:
    for phase in {one.phase for one in chosen}:
        try:
            count = reruns.begin(phase, user, reason, chosen.filter(phase=phase))
        except acts.Refused as refusal:
            messages.error(request, f"{phase.title}: {refusal}")
        else:
            messages.success(request, f"{phase.title}: {count} run again. Their scores stay until then.")


def _done(request: HttpRequest, submission: Submission, user: User, wanted: str, reason: str) -> bool:
    try:
        if wanted == "cancel":
            submissions.cancel(submission, user)
        elif wanted == "disqualify":
            ranking.disqualify(submission, user, reason)
        else:
            ranking.reinstate(submission, user, reason)
    except Refused as refusal:
        messages.error(request, f"“{submission.title}”: {refusal}")
        return False
    return True


@login_required
@require_safe
def manage_teams(request: HttpRequest, slug: str) -> HttpResponse:
    """Who takes part, with mail addresses: for the organizers alone."""
    challenge = finding.challenge_to_edit(request, slug)
    teams = challenge.teams.prefetch_related("memberships__user").order_by("name")
    page = Paginator(teams, 50).get_page(request.GET.get("page"))
    return render(request, "manage/manage_teams.html", head(challenge, "manage_teams") | {"page": page})


@login_required
@require_POST
def manage_team_act(request: HttpRequest, slug: str, team_slug: str) -> HttpResponse:
    """Disqualifies a team with a reason that everybody reads, or takes that back."""
    challenge = finding.challenge_to_edit(request, slug)
    team = get_object_or_404(challenge.teams, slug=team_slug)
    act = ranking.reinstate if request.POST.get("act") == "reinstate" else ranking.disqualify
    try:
        act(team, cast(User, request.user), request.POST.get("reason", ""))
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"Done: {team}.")
    return redirect("manage_teams", slug)


@login_required
@require_safe
def manage_audit(request: HttpRequest, slug: str) -> HttpResponse:
    """What organizers and staff did, newest first."""
    challenge = finding.challenge_to_edit(request, slug)
    entries = challenge.audit.all()
    acts_there = sorted(set(entries.order_by().values_list("act", flat=True).distinct()[:50]))
    if (act := request.GET.get("act")) in acts_there:
        entries = entries.filter(act=act)
    if actor := request.GET.get("actor", "")[:150].strip().replace("\x00", ""):
        entries = entries.filter(actor=actor)
    page = Paginator(entries, 50).get_page(request.GET.get("page"))
    context = head(challenge, "manage_audit") | {"page": page, "acts": acts_there, "asked": request.GET}
    return render(request, "manage/manage_audit.html", context)
