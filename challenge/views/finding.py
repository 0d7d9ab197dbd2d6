"""From an address to the record it names, as this user may see it: 404 for what is absent and what is hidden alike."""

from __future__ import annotations

import uuid

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from challenge import permissions
from challenge.models import Challenge, Phase, Submission


def challenge(request: HttpRequest, slug: str) -> Challenge:
    """A challenge this user may see."""
    return get_object_or_404(permissions.visible_challenges(request.user), slug=slug)


def challenge_to_edit(request: HttpRequest, slug: str) -> Challenge:
    """A challenge this user organizes.

    Raises:
        PermissionDenied: she may see it but not edit it.
    """
    found = challenge(request, slug)
    _require_editor(request, found)
    return found


def phase(request: HttpRequest, slug: str, phase_slug: str) -> Phase:
    """A phase of a challenge this user may see, with its challenge and data set."""
    phases = Phase.objects.select_related("challenge", "dataset")
    found = get_object_or_404(phases, challenge__slug=slug, slug=phase_slug)
    if not permissions.can_see_challenge(request.user, found.challenge):
        raise Http404
    return found


def phase_to_edit(request: HttpRequest, slug: str, phase_slug: str) -> Phase:
    """A phase of a challenge this user organizes.

    Raises:
        PermissionDenied: she may see it but not edit it.
    """
    found = phase(request, slug, phase_slug)
    _require_editor(request, found.challenge)
    return found


def submission(request: HttpRequest, pk: uuid.UUID) -> Submission:
    """A submission of this user's team, or of a challenge she organizes."""
    return get_object_or_404(_submissions(request), pk=pk)


def _submissions(request: HttpRequest) -> QuerySet[Submission]:
    related = ("phase__challenge", "phase__dataset", "team", "creator", "score__attempt")
    found = permissions.visible_submissions(request.user).select_related(*related)
    return found.prefetch_related("phase__challenge__organizers", "team__memberships")  # permissions.py asks often.


def _require_editor(request: HttpRequest, found: Challenge) -> None:
    if not permissions.can_edit(request.user, found):
        raise PermissionDenied("Only an organizer of the challenge may do this.")
