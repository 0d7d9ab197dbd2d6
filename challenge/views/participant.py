"""What a participant does: submit, watch, read the result, cancel; the profile and its API token."""

from __future__ import annotations

import uuid
from typing import Any, cast

import structlog
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.paginator import Page, Paginator
from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect
from rest_framework.authtoken.models import Token

from challenge import permissions, quotas, storage, submissions, teams, uploads
from challenge.forms.submitting import SubmitForm, UploadForm
from challenge.models import Attempt, Phase, State, Submission, Team
from challenge.presentation import limits_text, report
from challenge.views import finding

log = structlog.get_logger(__name__)

PAGE_SIZE = 50


# Submitting


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
    wanted = {name: form.cleaned_data[name] for name in ("kind", "title")}
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


# Watching


@login_required
def my_submissions(request: HttpRequest) -> HttpResponse:
    """All submissions of the user's teams, newest first."""
    page = paged(request, permissions.own_submissions(request.user))
    return render(request, "my_submissions.html", {"page": page, "submissions": page.object_list})


def paged(request: HttpRequest, found: QuerySet[Submission]) -> Page[Any]:
    """One page of a list of submissions, each with all that its line shows."""
    verdicts = Attempt.objects.filter(submission=OuterRef("pk"), state="done").order_by("-number").values("verdict")
    found = found.select_related("phase__challenge", "team", "score").annotate(latest_verdict=Subquery(verdicts[:1]))
    return Paginator(found.order_by("-created", "pk"), PAGE_SIZE).get_page(request.GET.get("page"))


@login_required
@never_cache
def submission(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """One submission: where it stands, then its verdict, figures, log and history."""
    return render(request, "submission.html", report.context(request.user, finding.submission(request, pk)))


@never_cache
def submission_live(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The part of the submission's page that changes; 204 while it is as `seen` says."""
    if not request.user.is_authenticated:  # Logged out in another tab: take the whole page there, not this part.
        back = f"{reverse(settings.LOGIN_URL)}?next={reverse('submission', args=[pk])}"
        return HttpResponseClientRedirect(back)
    context = report.context(request.user, finding.submission(request, pk))
    seen = request.GET.get("seen", "")
    if seen == context["seen"]:
        return HttpResponse(status=204)
    # The stage is the fingerprint's tail: a screen reader hears of a new stage, not of each image.
    context["announce"] = seen.rpartition("-")[2] != context["seen"].rpartition("-")[2]
    return render(request, "submission_live.html", context)


@login_required
@require_POST
def submission_cancel(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Ends a submission that is not done."""
    found = finding.submission(request, pk)
    try:
        submissions.cancel(found, cast(User, request.user))
        uploads.remove(found)
    except submissions.Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "Cancelled." if found.is_final else "It will be stopped within seconds.")
    return redirect("submission", pk)


# The profile


@login_required
@never_cache
def profile(request: HttpRequest) -> HttpResponse:
    """Account, teams, and the API token: shown in full once, right after it was made."""
    user = cast(User, request.user)
    context = {
        "memberships": list(user.memberships.select_related("team", "challenge")),
        "token": Token.objects.filter(user=user).first(),
        "new_token": request.session.pop("new_token", ""),
        "site": settings.SITE_URL,
        "example_phase": permissions.visible_phases(user).order_by("-closes").values_list("pk", flat=True).first() or 1,
    }
    return render(request, "profile.html", context)


@login_required
@require_POST
def token_create(request: HttpRequest) -> HttpResponse:
    """A new token in place of the old one."""
    user = cast(User, request.user)
    with transaction.atomic():
        Token.objects.filter(user=user).delete()
        token = Token.objects.create(user=user)
    request.session["new_token"] = token.key
    return redirect("profile")


@login_required
@require_POST
def token_revoke(request: HttpRequest) -> HttpResponse:
    """No token: scripts that used it are refused from now on."""
    Token.objects.filter(user=cast(User, request.user)).delete()
    messages.success(request, "Revoked: the token no longer works.")
    return redirect("profile")
