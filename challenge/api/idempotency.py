"""The header Idempotency-Key: a request that is sent again is not done again, and gets the same answer."""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.http.response import HttpResponseBase
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from challenge import idempotency
from challenge.api.problems import InProgress, InvalidKey, KeyReused, TooManyKeys, is_refusal
from challenge.models import IdempotencyKey

HEADER = "Idempotency-Key"

_SOUND = re.compile(r"[!-~]{1,100}")

_KEPT_HEADERS = ("Location",)


Handler = Callable[..., HttpResponseBase]


def idempotent(handler: Handler) -> Handler:
    """For a view's method that makes something. It finds the id for what it makes in `self.new_id`; None: any.

    It has to look first whether something of that id is there: what was cut off is sent again with the same.
    """
    return _asked_once(handler, nullcontext)


def idempotent_in_one_transaction(handler: Handler) -> Handler:
    """For a view's method that does nothing but write to the database: what was cut off has left nothing."""
    return _asked_once(handler, transaction.atomic)


def _asked_once(handler: Handler, around: Callable[[], AbstractContextManager[Any]]) -> Handler:
    @functools.wraps(handler)
    def asked_once(view: Any, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        view.new_id = None
        key = request.headers.get(HEADER)
        if key is None:
            return handler(view, request, *args, **kwargs)
        if not _SOUND.fullmatch(key):
            raise InvalidKey
        record = _taken(request, key)
        if record.status is not None:
            answer: Any = record.answer
            return Response(answer["body"], record.status, headers=answer["headers"] | {"Idempotency-Replayed": "true"})
        view.new_id = record.makes
        return _done(record, functools.partial(handler, view, request, *args, **kwargs), around)

    asked_once.is_idempotent = True  # type: ignore[attr-defined]
    return asked_once


def _taken(request: Request, key: str) -> IdempotencyKey:
    try:
        return idempotency.take(request.user, key, _digest(request))  # type: ignore[arg-type]
    except idempotency.Reused:
        raise KeyReused from None
    except idempotency.UnderWay as under_way:
        raise InProgress(under_way.seconds) from None
    except idempotency.TooMany as too_many:
        raise TooManyKeys(str(too_many)) from None


def _done(
    record: IdempotencyKey, handler: Callable[[], HttpResponseBase], around: Callable[[], AbstractContextManager[Any]]
) -> HttpResponseBase:
    """Does it, and keeps the answer. A refusal is not kept: nothing was made, and the same key may try again."""
    try:
        with around():
            response = handler()
            if response.status_code < 400 and isinstance(response, Response):
                idempotency.answered(record, response.status_code, _kept(response))
    except IntegrityError:
        idempotency.cut_off(record)
        raise InProgress from None  # Another request with the same key has just made it.
    except Exception as error:
        if is_refusal(error):
            idempotency.let_go(record)
        else:
            idempotency.cut_off(record)
        raise
    idempotency.let_go(record)  # If it has not been answered.
    return response


def _kept(response: Response) -> dict[str, Any]:
    headers = {name: response[name] for name in _KEPT_HEADERS if name in response.headers}
    return {"body": json.loads(JSONRenderer().render(response.data) or b"null"), "headers": headers}


def _digest(request: Request) -> str:
    """SHA-256 of all that the request says: where to, and every field and file."""
    whole = hashlib.sha256()
    parts: list[Any] = [request.method, request.get_full_path(), request.headers.get("Upload-Length")]
    parts.append(request.headers.get("Upload-Metadata"))
    given = request.data
    if hasattr(given, "lists"):
        for name, values in sorted(given.lists()):
            parts.append([name, [_plain(value) for value in values]])
    else:
        parts.append(given)
    whole.update(json.dumps(parts, sort_keys=True).encode())
    return whole.hexdigest()


def _plain(value: Any) -> Any:
    if not isinstance(value, UploadedFile):
        return value
    digest = hashlib.sha256()
    for chunk in value.chunks():
        digest.update(chunk)
    value.seek(0)
    return [value.name, value.size, digest.hexdigest()]
