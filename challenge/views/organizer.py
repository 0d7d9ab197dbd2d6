"""What an organizer does from a submission's page: run it again."""

from __future__ import annotations

import uuid
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from challenge import permissions, submissions
from challenge.organizing import reruns
from challenge.views import finding


@login_required
@require_POST
def submission_rerun(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Queues a submission again under the limits of now."""
    found = finding.submission(request, pk)
    if not permissions.can_rerun(request.user, found):
        raise PermissionDenied("Only an organizer of the challenge may have a submission run again.")
    try:
        reruns.one(found, cast(User, request.user))
    except submissions.Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "Queued again. Its score stays until the new attempt is done.")
    return redirect("submission", pk)
