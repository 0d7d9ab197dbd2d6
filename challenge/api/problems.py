"""Errors of the API as problem details (RFC 9457): {type, title, status, detail}, with the texts of the pages."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.core.exceptions import TooManyFieldsSent, TooManyFilesSent
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from challenge.submissions import Refused
from challenge.teams import TeamRefused


class Conflict(exceptions.APIException):
    """What was asked can't be done in the state things are in."""

    status_code = HTTPStatus.CONFLICT
    default_code = "refused"


def problem_details(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. Refusals of the services become 409 with their own sentence."""
    if isinstance(error, Refused | TeamRefused):
        error = Conflict(str(error))
    elif isinstance(error, TooManyFieldsSent | TooManyFilesSent):
        error = exceptions.ParseError("Too many fields or files. Send one file and the fields of the schema.")
    response = exception_handler(error, context)
    if response is None:
        return None
    problem: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(response.status_code).phrase,
        "status": response.status_code,
        "detail": " ".join(_sentences(response.data)),
    }
    if isinstance(error, exceptions.ValidationError) and isinstance(response.data, dict):
        problem["errors"] = response.data
    response.data = problem
    response.content_type = "application/problem+json"
    return response


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
