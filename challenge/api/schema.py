"""How the routes are described: what all of them share is added here, so that no route can forget it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from typing import Any, TypeVar

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers

from challenge.api.problems import CONTENT_TYPE, Problem
from challenge.presentation import errors
from challenge.presentation.errors import Mishap

Method = TypeVar("Method", bound=Callable[..., Any])

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "pattern": "^[!-~]{1,100}$"},
    OpenApiParameter.HEADER,
    description="Of your making, such as a UUID. Sent again within 24 hours with the same request, nothing is done "
    "twice, and the first answer comes again.",
)
REPLAYED = OpenApiParameter(
    "Idempotency-Replayed",
    {"type": "string", "enum": ["true"]},
    OpenApiParameter.HEADER,
    response=[200, 201],
    description="The answer was given before, to the same key.",
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, description="The ETag you have: 304 while it holds."
)
ETAG = OpenApiParameter(
    "ETag", OpenApiTypes.STR, OpenApiParameter.HEADER, response=[200], description="Changes with the answer."
)
RETRY_AFTER = {"schema": {"type": "integer"}, "description": "Seconds to wait."}


_IGNORED = ("If-None-Match",)
"""Parameters of which nothing can be wrong."""


def with_examples(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """drf-spectacular's hook: what each problem looks like, once for all routes."""
    result["components"]["examples"] = {
        mishap.code: {"summary": mishap.title, "value": errors.problem(mishap)} for mishap in errors.ALL
    }
    return result


def may_fail(*mishaps: Mishap) -> Callable[[Method], Method]:
    """Says which errors a route has beside those that every one has."""

    def note(method: Method) -> Method:
        method.mishaps = mishaps  # type: ignore[attr-defined]
        return method

    return note


@cache
def page_of(serializer: type[serializers.BaseSerializer[Any]]) -> Any:
    """A page of a list."""
    name = serializer.__name__.removesuffix("Out")
    return inline_serializer(
        f"{name}Page",
        {
            "count": serializers.IntegerField(help_text="Of the whole list."),
            "next": serializers.URLField(allow_null=True),
            "previous": serializers.URLField(allow_null=True),
            "results": serializer(many=True),
        },
    )


class Schema(AutoSchema):
    """drf-spectacular's, with the errors, headers and examples that follow from what a route is."""

    def get_override_parameters(self) -> list[Any]:
        """Those of the route, and those of its sort."""
        parameters = list(super().get_override_parameters())
        if getattr(self._handler(), "is_idempotent", False):
            parameters += [IDEMPOTENCY_KEY, REPLAYED]
        if self.method == "GET" and getattr(self.view, "has_tags", False):
            parameters += [IF_NONE_MATCH, ETAG]
        return parameters

    def get_operation_id(self) -> str:
        """Method and name of the view: `getSubmissionList`."""
        return f"{self.method.lower()}{type(self.view).__name__}"

    def get_tags(self) -> list[str]:
        """The file the route is in."""
        return [self.view.__module__.rpartition(".")[2]]

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        for status, body in bodies.items():
            body["description"] = body["description"] or HTTPStatus(int(status)).phrase
        if self.method == "GET" and getattr(self.view, "has_tags", False):
            bodies["304"] = {"description": "Nothing has changed since the ETag you sent."}
        component = self.resolve_serializer(Problem, "response")
        for mishap in sorted({*self._usual(bodies), *self._own()}, key=lambda one: (one.status, one.code)):
            _add(bodies.setdefault(str(mishap.status), _empty(component)), mishap)
        return dict(sorted(bodies.items()))

    def _handler(self) -> Any:
        return getattr(self.view, self.method.lower(), None)

    def _own(self) -> tuple[Mishap, ...]:
        return getattr(self._handler(), "mishaps", ())

    def _usual(self, bodies: dict[str, Any]) -> list[Mishap]:
        usual = [errors.LOGIN, errors.NOT_ACCEPTABLE, errors.THROTTLED, errors.AWAY]
        if self.method not in ("GET", "HEAD"):
            usual.append(errors.FORBIDDEN)
        if "{" in self.path:
            usual.append(errors.NOT_FOUND)
        if self._get_request_body():  # type: ignore[no-untyped-call]
            usual += [errors.INVALID, errors.UNREADABLE, errors.MEDIA_TYPE, errors.TOO_LARGE]
        if any(one["in"] in ("query", "header") and one["name"] not in _IGNORED for one in self._get_parameters()):
            usual.append(errors.INVALID)
        if getattr(self._handler(), "is_idempotent", False):
            usual += [errors.INVALID, errors.IN_PROGRESS, errors.KEY_REUSED]
        return usual


def _empty(component: ResolvedComponent) -> dict[str, Any]:
    return {"description": "", "content": {CONTENT_TYPE: {"schema": component.ref, "examples": {}}}}


def _add(body: dict[str, Any], mishap: Mishap) -> None:
    """One more reason for this status."""
    body["description"] = f"{body['description']} {mishap.happened}".strip()
    content = body.setdefault("content", {})[CONTENT_TYPE]
    content["examples"][mishap.code] = {"$ref": f"#/components/examples/{mishap.code}"}
    if mishap in errors.TO_BE_TRIED_AGAIN:
        body.setdefault("headers", {})["Retry-After"] = RETRY_AFTER
