"""Files of a submission: its team's own upload again, and the pictures of its report."""

from __future__ import annotations

import re
import uuid
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from challenge import kept, overlays, permissions, storage
from challenge.models import State
from challenge.views import finding

MOST_DOWNLOADS = 20
"""Of one person within DOWNLOAD_SECONDS: each holds a thread of the site until it is through."""
DOWNLOAD_SECONDS = 3600


@login_required
@require_safe
def submission_download(request: HttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    """The upload as it was sent, for its team: always as a file to be kept, never shown by the browser."""
    found = finding.submission(request, pk)
    if not permissions.can_download(request.user, found):
        raise PermissionDenied("Only its team can have the upload again.")
    if found.state == State.UPLOADING or not found.file.name:
        messages.error(request, "There is no complete upload of this submission.")
        return redirect("submission", pk)
    if _is_over(cast(User, request.user)):
        messages.error(request, f"You have downloaded {MOST_DOWNLOADS} files within an hour. Try again later.")
        return redirect("submission", pk)
    try:
        with storage.reachable():
            file = found.file.storage.open(found.file.name)
    except storage.Away:
        messages.error(request, "The place where files are kept does not answer just now. Try again later.")
        return redirect("submission", pk)
    answer = FileResponse(
        file, as_attachment=True, filename=safe_name(found.file_name), content_type="application/octet-stream"
    )
    answer["Content-Length"] = str(found.file_bytes)
    answer["Cache-Control"] = "private, no-store"
    return answer


def _is_over(user: User) -> bool:
    key = f"parakh-downloads-{user.pk}"
    cache.add(key, 0, DOWNLOAD_SECONDS)
    try:
        return cache.incr(key) > MOST_DOWNLOADS
    except ValueError:  # It has just run out.
        return False


def safe_name(name: str) -> str:
    """A file's name without folders and without what some system gives a meaning."""
    plain = re.sub(r'[\x00-\x1f\x7f<>:"|?*%\\/]+', "_", name).strip(" ._")
    return plain[-100:] or "upload"


@require_safe
def submission_overlay(request: HttpRequest, pk: uuid.UUID, number: int, what: str) -> HttpResponse:
    """A picture of a report: for who may see the report."""
    found = finding.reported(request, pk)
    if what not in ("image", "truth", "answer") or not overlays.may_be_shown(found):
        raise Http404
    shown = cast(overlays.What, what)
    tag = overlays.etag(found, number, shown)
    answer = get_conditional_response(request, etag=tag)
    if answer is None:
        try:
            answer = HttpResponse(overlays.picture(found, number, shown), content_type="image/webp")
        except kept.Missing:
            raise Http404 from None
        except storage.Away:
            return HttpResponse(status=503, headers={"Retry-After": "60"})
    answer["ETag"] = tag
    answer["Cache-Control"] = "private, no-cache"
    return answer
