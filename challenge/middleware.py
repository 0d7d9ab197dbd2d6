"""What every request gets: an id that its log lines and its answer carry, and headers that keep browsers strict."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from challenge.presentation import errors
from challenge.views.errors import answer

HEADER = "X-Request-ID"

_SOUND = re.compile(r"[A-Za-z0-9-]{8,64}")
"""Ids from outside go into our logs: nothing else is taken over."""

METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
"""What pages are asked with. The API has more, and says so itself."""


class RequestId:
    """Takes the proxy's id or draws one, binds it to the log, and sends it back."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get(HEADER, "")
        name = given if _SOUND.fullmatch(given) else str(uuid.uuid4())
        # Stays bound until the thread's next request: Django logs an error once all middleware has been left.
        structlog.contextvars.bind_contextvars(request=name)
        response = self._get_response(request)
        response[HEADER] = name
        return response


class Strictness:
    """Headers that Django has no setting for, on every answer: no other site embeds it, no page asks for a camera."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        response.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.setdefault("Permissions-Policy", settings.PERMISSIONS_POLICY)
        return response


class Methods:
    """A page that is asked in a way it does not know says so in words."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith("/api/"):
            return self._get_response(request)
        if request.method not in METHODS:
            response: HttpResponseBase = answer(request, errors.METHOD)
            response["Allow"] = ", ".join(sorted(METHODS))
            return response
        response = self._get_response(request)
        if response.status_code == errors.METHOD.status and not getattr(response, "content", b"-"):
            worded = answer(request, errors.METHOD)
            worded["Allow"] = response["Allow"]
            return worded
        return response
