"""The headers of the tus protocol, version 1.0.0 (https://tus.io/protocols/resumable-upload): core, creation, checksum
and termination. Whoever sends none of them, such as curl, is answered alike."""

from __future__ import annotations

import base64

from django.http import HttpRequest
from rest_framework import exceptions

from challenge.api.base import Texts
from challenge.api.problems import ProblemError
from challenge.presentation import errors
from challenge.uploads import ALGORITHMS

VERSION = "1.0.0"

CONTENT_TYPE = "application/offset+octet-stream"

_DIGITS = 18
"""Of a number in a header: more bytes there are not."""


class OtherVersion(ProblemError):
    """The client speaks a version of tus that is not spoken here."""

    mishap = errors.VERSION


class LengthUnknown(ProblemError):
    """The body comes in HTTP's own chunks."""

    mishap = errors.LENGTH


def check_version(request: HttpRequest) -> None:
    """Raises OtherVersion for one that is named and is not ours."""
    if request.headers.get("Tus-Resumable", VERSION) != VERSION:
        raise OtherVersion


def abilities() -> dict[str, str]:
    """What an OPTIONS request is answered."""
    return {
        "Tus-Version": VERSION,
        "Tus-Extension": "creation,checksum,termination",
        "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
    }


def number(request: HttpRequest, name: str) -> int:
    """A whole number from a header. Raises ParseError."""
    text = request.headers.get(name, "").strip()
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise exceptions.ParseError(f"The header {name} must be a whole number of bytes.")
    return int(text)


def body_length(request: HttpRequest) -> int:
    """How many bytes the body has. Raises LengthUnknown where it does not say so beforehand."""
    if "Transfer-Encoding" in request.headers:
        raise LengthUnknown
    return number(request, "Content-Length") if request.headers.get("Content-Length") else 0


def fields(request: HttpRequest) -> Texts:
    """The fields of a new upload from `Upload-Length` and `Upload-Metadata`; the file's name may be called `filename`.

    Raises:
        ParseError: the length is no number, or a value is not base64 of UTF-8.
    """
    found = Texts(size=number(request, "Upload-Length"))
    for pair in filter(None, request.headers.get("Upload-Metadata", "").split(",")):
        name, _, value = pair.strip().partition(" ")
        try:
            text = base64.b64decode(value, validate=True).decode("utf-8")
        except ValueError:
            raise exceptions.ParseError(f"Upload-Metadata: the value of {name[:40]!r} is not base64 of text.") from None
        found["file_name" if name == "filename" else name] = text
    found.pop("filetype", None)  # Clients add it by themselves; what the file is, is looked at.
    return found


def checksum(request: HttpRequest) -> tuple[str, bytes] | None:
    """Algorithm and digest of this chunk, if it has any. Raises ParseError."""
    text = request.headers.get("Upload-Checksum")
    if text is None:
        return None
    algorithm, _, value = text.strip().partition(" ")
    if algorithm not in ALGORITHMS:
        raise exceptions.ParseError(f"Upload-Checksum: use one of {', '.join(ALGORITHMS)}.")
    try:
        return algorithm, base64.b64decode(value, validate=True)
    except ValueError:
        raise exceptions.ParseError("Upload-Checksum: the digest is not base64.") from None
