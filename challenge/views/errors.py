"""Pages for what goes wrong; under /api/ the same words as problem details. `challenge/urls.py` names them."""

from __future__ import annotations

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from challenge.presentation import errors

TRY_AGAIN_SECONDS = 60

ALONE = "error_alone.html"
"""The page that needs neither the database nor who is asking."""


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: a host that is not ours, a body that is no form, …"""
    return answer(request, errors.UNREADABLE, template=ALONE)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403: visible, but not hers to change."""
    return answer(request, errors.FORBIDDEN, str(exception))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: a form without its token."""
    return answer(request, errors.FORM_TOO_OLD)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: absent, or not for her eyes."""
    return answer(request, errors.NOT_FOUND)


def too_many_requests(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """429: allauth's limits of log-ins, sign-ups and mails."""
    return answer(request, errors.THROTTLED)


def server_error(request: HttpRequest) -> HttpResponse:
    """500; 503 where it is the database that does not answer. Django calls this while it handles the exception."""
    is_away = isinstance(sys.exc_info()[1], OperationalError | InterfaceError)
    return answer(request, errors.AWAY if is_away else errors.BROKEN, template=ALONE)


def answer(
    request: HttpRequest, mishap: errors.Mishap, happened: str = "", template: str = "error.html"
) -> HttpResponse:
    """A page for people, problem details for programs.

    Args:
        happened: what happened this time, in a sentence; empty: what the table says.
    """
    context = {"mishap": mishap, "happened": happened or mishap.happened}
    if request.path.startswith("/api/"):
        found = errors.problem(mishap, f"{happened} {mishap.to_do}" if happened else "")
        response: HttpResponse = JsonResponse(found, content_type=errors.PROBLEM_TYPE)
    elif template == ALONE:  # No context processors: one of them may be what broke.
        response = HttpResponse(render_to_string(template, context))
    else:
        response = render(request, template, context)
    response.status_code = mishap.status
    if mishap in (errors.THROTTLED, errors.AWAY):
        response["Retry-After"] = str(TRY_AGAIN_SECONDS)
    return response
