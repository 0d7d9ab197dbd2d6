"""Errors of the API as problem details (RFC 9457), in the words of presentation/errors.py, which the pages use too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import Http404, JsonResponse
from drf_spectacular.utils import inline_serializer
from rest_framework import exceptions, serializers
from rest_framework.views import exception_handler

from challenge.form_files import FileTooLarge
from challenge.organizing import acts
from challenge.presentation import errors
from challenge.presentation.errors import Mishap
from challenge.storage import Away
from challenge.submissions import Refused
from challenge.teams import TeamRefused

log = structlog.get_logger(__name__)

CONTENT_TYPE = errors.PROBLEM_TYPE

TRY_AGAIN_SECONDS = 30

Problem = inline_serializer(
    "Problem",
    {
        "type": serializers.URLField(help_text="Where the documentation says what to do."),
        "title": serializers.CharField(help_text="What kind of problem it is."),
        "status": serializers.IntegerField(),
        "detail": serializers.CharField(help_text="What happened this time, and what to do."),
        "errors": serializers.DictField(
            child=serializers.JSONField(), required=False, help_text="By field: what is wrong with it."
        ),
    },
)


class ProblemError(exceptions.APIException):
    """Ends a request with a mishap of the table. Its message, if it has one, says what happened this time."""

    mishap = errors.REFUSED

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail or self.mishap.detail, self.mishap.code)
        self.status_code = self.mishap.status


class Conflict(ProblemError):
    """What was asked can't be done in the state things are in."""


class Gone(ProblemError):
    """It was there once."""

    mishap = errors.GONE


class TooLarge(ProblemError):
    """More bytes than are taken."""

    mishap = errors.TOO_LARGE


class Unavailable(ProblemError):
    """We can't, for now."""

    mishap = errors.AWAY
    wait = TRY_AGAIN_SECONDS  # Becomes the header Retry-After.


class InProgress(ProblemError):
    """The same request is being done by another."""

    mishap = errors.IN_PROGRESS

    def __init__(self, wait: int = 1) -> None:
        super().__init__()
        self.wait = wait


class KeyReused(ProblemError):
    """An Idempotency-Key came with two requests."""

    mishap = errors.KEY_REUSED


class TooManyKeys(ProblemError):
    """A person has used more Idempotency-Keys than are kept."""

    mishap = errors.THROTTLED
    wait = 3600


class InvalidKey(ProblemError):
    """An Idempotency-Key that could not be kept."""

    mishap = errors.INVALID

    def __init__(self) -> None:
        super().__init__("Idempotency-Key: use 1 to 100 characters of ASCII, without blanks. A UUID does.")


_BY_STATUS: dict[int, Mishap] = {
    mishap.status: mishap
    for mishap in (
        errors.UNREADABLE, errors.LOGIN, errors.FORBIDDEN, errors.NOT_FOUND, errors.METHOD, errors.NOT_ACCEPTABLE,
        errors.MEDIA_TYPE, errors.THROTTLED,
    )
}  # fmt: skip
"""Of DRF's own exceptions."""


def problem(mishap: Mishap, detail: str = "", headers: dict[str, str] | None = None, **more: Any) -> JsonResponse:
    """An answer with a problem. Always JSON, whatever else the address could be asked for."""
    found = errors.problem(mishap, detail, **more)
    return JsonResponse(found, status=mishap.status, headers=headers, content_type=CONTENT_TYPE)


def problem_details(error: Exception, context: dict[str, Any]) -> JsonResponse | None:
    """DRF's exception handler. Refusals of the services become 409 with their own sentence."""
    error = _of_the_api(error)
    response = exception_handler(error, context)
    if response is None:
        return None  # Ours: it is logged, and views/errors.py answers.
    mishap = _mishap(error, response.status_code)
    del response.headers["Content-Type"]
    more: dict[str, Any] = {}
    if isinstance(error, exceptions.ValidationError) and isinstance(response.data, dict):
        more["errors"] = response.data
    return problem(mishap, _detail(error, mishap, response.data), dict(response.headers), **more)


def _of_the_api(error: Exception) -> Exception:
    """The exception of the API for one of the services or of Django."""
    if isinstance(error, acts.Refused) and error.field:
        return exceptions.ValidationError({error.field: [str(error)]})
    if isinstance(error, Refused | TeamRefused | acts.Refused):
        return Conflict(str(error))
    if isinstance(error, Away):
        log.error("files can't be kept", error=repr(error.__cause__))
        return Unavailable(str(error))
    if isinstance(error, RequestDataTooBig):
        return TooLarge(str(error) if isinstance(error, FileTooLarge) else None)
    if isinstance(error, TooManyFieldsSent | TooManyFilesSent):
        return exceptions.ParseError("Too many fields or files. Send one file and the fields of the schema.")
    return error


def is_refusal(error: Exception) -> bool:
    """True if the request was not carried out, and may be sent again as if it had never come."""
    found = _of_the_api(error)
    if isinstance(found, Http404 | PermissionDenied):
        return True
    return isinstance(found, exceptions.APIException) and found.status_code < 500


def _mishap(error: Exception, status: int) -> Mishap:
    if isinstance(error, ProblemError):
        return error.mishap
    if isinstance(error, exceptions.ValidationError):
        return errors.INVALID
    return _BY_STATUS[status]


def _detail(error: Exception, mishap: Mishap, found: Any) -> str:
    """What happened this time, where more is known than what the table says."""
    if isinstance(error, exceptions.MethodNotAllowed):
        asked = error.detail.partition('"')[2].partition('"')[0] if isinstance(error.detail, str) else ""
        return f"This address takes no {asked}. {mishap.to_do}" if asked else ""
    if isinstance(error, exceptions.Throttled):
        wait = getattr(error, "wait", None)
        return f"{mishap.happened} Go on in {wait:.0f} seconds, more slowly." if wait else ""
    if isinstance(error, Http404 | exceptions.NotFound | exceptions.NotAuthenticated | exceptions.NotAcceptable):
        return ""
    if isinstance(error, PermissionDenied) and not str(error):
        return ""
    said = " ".join(_sentences(found))
    if isinstance(error, exceptions.AuthenticationFailed | PermissionDenied):
        return f"{said} {mishap.to_do}"
    return said


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
