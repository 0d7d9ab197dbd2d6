"""Sending a submission: the form, and the page's script that sends the file in pieces."""

from __future__ import annotations

from typing import Any, cast

import structlog
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from challenge import forecast, permissions, quotas, storage, submissions, teams, uploads
from challenge.forms.submitting import SubmitForm, UploadForm
from challenge.models import Kind, Phase, State, Submission, Team
from challenge.presentation import limits_text
from challenge.views import finding

log = structlog.get_logger(__name__)


@login_required
def submit(request: HttpRequest, slug: str, phase_slug: str) -> HttpResponse:
    """The upload form. What submissions.py refuses comes back as the form's error, with the reason."""
    phase = finding.phase(request, slug, phase_slug)
    user = cast(User, request.user)
    team = teams.team_of(user, phase.challenge)
    form = SubmitForm(request.POST or None, request.FILES or None, phase=phase, needs_team=team is None)
    status = 200
    if request.method == "POST":
        submission, status = _create(form, phase, team, user)
        if submission:
            messages.success(request, "Received. You can close this page: it runs without you.")
            return redirect("submission", submission.pk)
    under_way = Submission.objects.filter(phase=phase, creator=user, state=State.UPLOADING).order_by("created")
    context = {
        "challenge": phase.challenge,
        "phase": phase,
        "phases": list(phase.challenge.phases.all()),
        "form": form,
        "team": team,
        "quota": quotas.quota(phase, team) if team else None,
        "under_way": [(submission, uploads.offset(submission)) for submission in under_way],
        "main_limits": limits_text.main_lines(phase.limits),
        "limit_groups": limits_text.group_lines(phase.limits),
        "archive_limits": limits_text.archive_lines(phase.limits),
        "takes_runs": any(Kind(kind).runs for kind in phase.kinds),
        "takes_predictions": Kind.PREDICTIONS in phase.kinds,
        "wait": forecast.of_next(phase, phase.kinds[0]) if phase.is_open and phase.kinds else "",
        "may_edit": permissions.can_edit(user, phase.challenge),
    }
    return render(request, "submit.html", context, status=status)


@login_required
@require_POST
def upload_begin(request: HttpRequest, slug: str, phase_slug: str) -> HttpResponse:
    """For the page's script: takes a place of the quota, and says where the file's bytes go."""
    phase = finding.phase(request, slug, phase_slug)
    user = cast(User, request.user)
    team = teams.team_of(user, phase.challenge)
    form = UploadForm(request.POST, phase=phase, needs_team=team is None)
    submission, status = _create(form, phase, team, user)
    if submission is None:
        return JsonResponse({"errors": form.told()}, status=status)
    places = {
        "upload": reverse("api_upload", args=[submission.pk]),
        "page": reverse("submission", args=[submission.pk]),
    }
    return JsonResponse(places, status=201)


def _create(form: SubmitForm, phase: Phase, team: Team | None, user: User) -> tuple[Submission | None, int]:
    """The submission that the form asks for. None, with the status to answer, if the form now says what is wrong."""
    if not form.is_valid():
        return None, 400
    try:
        return _found_and_create(form, phase, team, user), 201
    except teams.TeamRefused as refusal:
        form.add_error("team_name", str(refusal))
    except submissions.Refused as refusal:
        form.add_error(None, str(refusal))
    except storage.Away as away:
        log.error("files can't be kept", error=repr(away.__cause__))
        form.add_error(None, str(away))
        return None, 503
    return None, 400


def _found_and_create(form: SubmitForm, phase: Phase, team: Team | None, user: User) -> Submission:
    """The submission, and before it the team of a person who has none: both or neither.

    Not one transaction: that would keep the database locked while a large file is copied.
    """
    founded = None if team else teams.found(phase.challenge, user, form.cleaned_data["team_name"])
    wanted = {"kind": form.cleaned_data["kind"], "base": form.cleaned_data.get("base", ""), **form.about}
    place: dict[str, Any] = {"phase": phase, "team": team or founded, "user": user}
    try:
        if isinstance(form, UploadForm):
            announced = {name: form.cleaned_data[name] for name in ("file_name", "size")}
            return submissions.begin(**place, **wanted, **announced)
        return submissions.create(**place, **wanted, upload=form.cleaned_data["file"])
    except (submissions.Refused, storage.Away):
        if founded:
            founded.delete()
        raise
