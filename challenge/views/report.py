"""The public report of a submission that is on a board."""

from __future__ import annotations

import uuid

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from challenge import permissions
from challenge.models import Submission
from challenge.presentation import public_report

RELATED = ("phase__challenge", "phase__dataset", "team", "score__attempt")


@require_safe
def report(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Score, figures and what its team says of it: a permalink, for who may see a board that it is on."""
    found = Submission.objects.select_related(*RELATED).prefetch_related("phase__challenge__organizers")
    submission = found.filter(pk=pk).first()
    if submission is None or not permissions.can_see_report(request.user, submission):
        raise Http404
    return render(request, "report.html", public_report.context(request.user, submission))
