"""Submissions of one's own: the list, and one with its way, its verdict and its report."""

from __future__ import annotations

import uuid
from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from challenge import permissions, submissions, uploads
from challenge.presentation import report
from challenge.views import finding
from challenge.views.paging import paged


@login_required
def my_submissions(request: HttpRequest) -> HttpResponse:
    """All submissions of the user's teams, newest first."""
    page = paged(request, permissions.own_submissions(request.user))
    return render(request, "my_submissions.html", {"page": page, "submissions": page.object_list})


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
