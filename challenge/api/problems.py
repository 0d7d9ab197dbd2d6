"""Errors of the API as problem details (RFC 9457): {type, title, status, detail}, with the texts of the pages."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from drf_spectacular.utils import inline_serializer
from rest_framework import exceptions, serializers
from rest_framework.response import Response
from rest_framework.views import exception_handler

from challenge.storage import Away
from challenge.submissions import Refused
from challenge.teams import TeamRefused

log = structlog.get_logger(__name__)

CONTENT_TYPE = "application/problem+json"

TRY_AGAIN_SECONDS = 30

CHECKSUM_MISMATCH = 460
"""Of the tus protocol; not in HTTP itself."""

Problem = inline_serializer(
    "Problem",
    {
        "type": serializers.CharField(),
        "title": serializers.CharField(),
        "status": serializers.IntegerField(),
        "detail": serializers.CharField(),
    },
)


class Conflict(exceptions.APIException):
    """What was asked can't be done in the state things are in."""

    status_code = HTTPStatus.CONFLICT
    default_code = "refused"


class Gone(exceptions.APIException):
    """It was there once."""

    status_code = HTTPStatus.GONE
    default_detail = "This upload was cancelled or given up. Begin a new one."
    default_code = "gone"


class TooLarge(exceptions.APIException):
    """More bytes than are taken."""

    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"


class Unavailable(exceptions.APIException):
    """We can't, for now."""

    status_code = HTTPStatus.SERVICE_UNAVAILABLE
    default_code = "unavailable"
    wait = TRY_AGAIN_SECONDS  # Becomes the header Retry-After.


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    """An answer with a problem, where headers belong to it."""
    return Response(_problem(status, detail), status, headers=headers, content_type=CONTENT_TYPE)


def problem_details(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. Refusals of the services become 409 with their own sentence."""
    if isinstance(error, Refused | TeamRefused):
        error = Conflict(str(error))
    elif isinstance(error, Away):
        log.error("files can't be kept", error=repr(error.__cause__))
        error = Unavailable(str(error))
    elif isinstance(error, RequestDataTooBig):
        error = TooLarge(str(error))
    elif isinstance(error, TooManyFieldsSent | TooManyFilesSent):
        error = exceptions.ParseError("Too many fields or files. Send one file and the fields of the schema.")
    response = exception_handler(error, context)
    if response is None:
        return None
    found = _problem(response.status_code, " ".join(_sentences(response.data)))
    if isinstance(error, exceptions.ValidationError) and isinstance(response.data, dict):
        found["errors"] = response.data
    response.data = found
    response.content_type = CONTENT_TYPE
    return response


def _problem(status: int, detail: str) -> dict[str, Any]:
    title = "Checksum Mismatch" if status == CHECKSUM_MISMATCH else HTTPStatus(status).phrase
    return {"type": "about:blank", "title": title, "status": status, "detail": detail}


def _sentences(found: Any, field: str = "") -> Iterator[str]:
    """The messages in what DRF collected, each after the field it is about."""
    if isinstance(found, dict):
        for name, inner in found.items():
            yield from _sentences(inner, "" if name in ("detail", "non_field_errors") else str(name))
    elif isinstance(found, list):
        for inner in found:
            yield from _sentences(inner, field)
    else:
        yield f"{field}: {found}" if field else str(found)
