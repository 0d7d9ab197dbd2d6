"""What every request gets: an id that its log lines and its answer carry."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

HEADER = "X-Request-ID"

_SOUND = re.compile(r"[A-Za-z0-9-]{8,64}")
"""Ids from outside go into our logs: nothing else is taken over."""


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
