"""Submissions of one's own: the list, and one with its way, its verdict and its report."""

from __future__ import annotations

import uuid
from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from challenge import describing, permissions, ranking, submissions, uploads
from challenge.admission import Description
from challenge.forms.listing import FilterForm
from challenge.forms.submitting import DescriptionForm
from challenge.models import Challenge
from challenge.presentation import report
from challenge.views import finding
from challenge.views.paging import paged


@login_required
def my_submissions(request: HttpRequest) -> HttpResponse:
    """All submissions of the user's teams, newest first; by challenge and by how far they are."""
    mine = permissions.own_submissions(request.user)
    form = FilterForm(request.GET, challenges=_challenges_of(cast(User, request.user)))
    page = paged(request, form.narrowed(mine))
    context = {
        "page": page,
        "submissions": page.object_list,
        "form": form,
        "is_narrowed": form.is_narrowed,
        "has_any": bool(page.object_list) or mine.exists(),
    }
    return render(request, "my_submissions.html", context)


def _challenges_of(user: User) -> list[Challenge]:
    return list(Challenge.objects.filter(teams__memberships__user=user).order_by("title", "pk"))


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
    context["is_part"] = True
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


@login_required
@require_POST
def submission_choose(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Chooses it for the final standing, or with `take_back` lets the team's best stand there again."""
    found = finding.submission(request, pk)
    user = cast(User, request.user)
    if not permissions.can_choose_final(user, found):
        raise PermissionDenied("Only its team chooses which submission it is judged by.")
    try:
        if "take_back" in request.POST:
            ranking.unchoose_final(found, user)
            messages.success(request, "Taken back: your best public score stands for your team again.")
        else:
            ranking.choose_final(found, user)
            messages.success(
                request, "Chosen: your team is judged by this submission. You can change that until the phase closes."
            )
    except submissions.Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("submission", pk)


@login_required
def submission_edit(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """What its team says of it, put right."""
    found = finding.submission(request, pk)
    user = cast(User, request.user)
    if not permissions.can_describe(user, found):
        raise PermissionDenied("Only its team describes a submission.")
    initial = {name: getattr(found, name) for name in ("title", "method", "link", "parameters", "gmac")}
    form = DescriptionForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            changed = describing.describe(found, Description(**form.about), user)
        except submissions.Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"Changed: {', '.join(changed)}." if changed else "Nothing was changed.")
            return redirect("submission", pk)
    context = {"submission": found, "challenge": found.phase.challenge, "phase": found.phase, "form": form}
    return render(request, "submission_edit.html", context, status=400 if form.errors else 200)
