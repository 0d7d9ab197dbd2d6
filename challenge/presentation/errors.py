"""What goes wrong between a browser or a script and the site: one table of words, for pages and for the API."""

from __future__ import annotations

import dataclasses
from typing import Any

from django.conf import settings

PROBLEM_TYPE = "application/problem+json"


@dataclasses.dataclass(frozen=True, slots=True)
class Mishap:
    """A kind of error. `code` is the end of its `type` in the API, and its anchor in docs/api.md."""

    code: str
    status: int
    title: str
    happened: str
    to_do: str

    @property
    def detail(self) -> str:
        """Both sentences."""
        return f"{self.happened} {self.to_do}".strip()


INVALID = Mishap(
    "invalid", 400, "A field is missing or wrong", "Something in what was sent is not as it has to be.",
    "Mend what is named, and send it again.",
)  # fmt: skip
UNREADABLE = Mishap(
    "unreadable", 400, "This request could not be read",
    "It is not what its headers say, it did not arrive whole, or it is larger than anything that is taken here.",
    "Look at what you send, and at the limits of the phase if it is a file; then try again.",
)  # fmt: skip
LOGIN = Mishap(
    "login", 401, "Log in first", "Only those who are logged in may do this.",
    "Send the header “Authorization: Token …”; tokens are made on your profile page.",
)  # fmt: skip
FORBIDDEN = Mishap(
    "forbidden", 403, "This is not yours to do", "You may not do this. An organizer of the challenge may.",
    "If you should be one, ask those who are.",
)  # fmt: skip
FORM_TOO_OLD = Mishap(
    "form-too-old", 403, "The form was too old",
    "We could not be sure that this request came from our own page: the form was open for very long, you logged in or "
    "out in between, or cookies are blocked. Nothing was changed.",
    "Go back, reload the page, and send the form again.",
)  # fmt: skip
NOT_FOUND = Mishap(
    "not-found", 404, "There is nothing here for you",
    "The address may be mistyped, or it belongs to something that only its own team and organizers can see.",
    "If it is yours, log in and try again.",
)  # fmt: skip
METHOD = Mishap(
    "method", 405, "This can't be asked here", "This address takes no request of this method.",
    "Begin again from the page or the documentation that led you here.",
)  # fmt: skip
NOT_ACCEPTABLE = Mishap(
    "not-acceptable", 406, "Not in that format", "The answer can't be had in the format you ask for.",
    "Send no Accept header, or “Accept: application/json”.",
)  # fmt: skip
REFUSED = Mishap(
    "refused", 409, "Not now", "It can't be done as things are.", "Look at its page, which says how they are."
)
IN_PROGRESS = Mishap(
    "in-progress", 409, "It is being done", "The same request, with the same Idempotency-Key, is being done just now.",
    "Ask again in a second: you get its answer.",
)  # fmt: skip
KEY_REUSED = Mishap(
    "key-reused", 422, "A key is for one request", "This Idempotency-Key came with another request before.",
    "Draw a new key for each new request; send the old one only to ask again for the same.",
)  # fmt: skip
OUT_OF_STEP = Mishap(
    "out-of-step", 409, "Not where the upload ends", "These bytes don't begin where the upload ends.",
    "Ask for the offset, and go on from there.",
)  # fmt: skip
GONE = Mishap(
    "gone", 410, "This is over", "This upload was cancelled or given up.", "Begin a new one."
)  # fmt: skip
LENGTH = Mishap(
    "length", 411, "How long is it?", "A body in HTTP's own chunks does not say how many bytes come.",
    "Send Content-Length, not Transfer-Encoding. “curl -T FILE” does.",
)  # fmt: skip
VERSION = Mishap(
    "version", 412, "Another version of tus", "Only version 1.0.0 of the tus protocol is spoken here.",
    "Send “Tus-Resumable: 1.0.0”, or nothing.",
)  # fmt: skip
TOO_LARGE = Mishap(
    "too-large", 413, "That is too much", "It is larger than what is taken here.",
    "Look at the limits of the phase, and send less.",
)  # fmt: skip
MEDIA_TYPE = Mishap(
    "media-type", 415, "Not in that format", "This address does not take a body of that Content-Type.",
    "Look up in the documentation what it takes.",
)  # fmt: skip
THROTTLED = Mishap(
    "throttled", 429, "Too many tries", "From here, or for this account, this was asked for too often.",
    "Wait a few minutes, then try again: nothing is lost.",
)  # fmt: skip
CHECKSUM = Mishap(
    "checksum", 460, "Not what was sent", "This chunk arrived changed or not whole, and was not kept.", "Send it again."
)  # fmt: skip
BROKEN = Mishap(
    "broken", 500, "Something broke on our side",
    "It is our fault, and it has been logged. Submissions that are queued or running are not touched by this, and "
    "nothing you had sent is lost.",
    "Try again in a minute. If it stays broken, tell the organizers what you did and when.",
)  # fmt: skip
AWAY = Mishap(
    "away", 503, "Not at the moment", "A part of the site does not answer.", "Nothing is lost; try again in a minute."
)  # fmt: skip

ALL = (
    INVALID, UNREADABLE, LOGIN, FORBIDDEN, FORM_TOO_OLD, NOT_FOUND, METHOD, NOT_ACCEPTABLE, REFUSED, IN_PROGRESS,
    OUT_OF_STEP, GONE, LENGTH, VERSION, TOO_LARGE, MEDIA_TYPE, KEY_REUSED, THROTTLED, CHECKSUM, BROKEN, AWAY,
)  # fmt: skip

TO_BE_TRIED_AGAIN = (IN_PROGRESS, THROTTLED, AWAY)
"""With Retry-After."""


def problem(mishap: Mishap, detail: str = "", **more: Any) -> dict[str, Any]:
    """Problem details (RFC 9457). `type` is an address in the documentation, where it says what to do.

    Args:
        detail: what happened this time; empty: what the table says.
        more: members of its own, such as `errors`.
    """
    return {
        "type": f"{settings.SITE_URL}/docs/api/#{mishap.code}",
        "title": mishap.title,
        "status": mishap.status,
        "detail": detail or mishap.detail,
        **more,
    }


def described() -> str:
    """The table in Markdown, as docs/api.md has it."""
    return "\n\n".join(f"### {one.code}\n\n{one.status}, *{one.title}.* {one.detail}" for one in ALL)
