"""Pictures of a challenge's texts: what a text may name, and what is served of one."""

from __future__ import annotations

import dataclasses

import structlog
from django.urls import reverse

from challenge.markdown import Image
from challenge.models import Challenge, Picture

log = structlog.get_logger(__name__)

MOST_PICTURES = 200
"""That the texts of a challenge may show."""

MOST_BYTES = 8 * 1024**2

_KINDS = ((b"\x89PNG\r\n\x1a\n", 0, "image/png"), (b"WEBP", 8, "image/webp"))
"""First bytes, where they are, media type: what pictures are re-encoded as. Nothing else is served as a picture."""


def of(challenge: Challenge) -> tuple[Image, ...]:
    """What `![…](name)` may show in the texts of a challenge."""
    rows = challenge.pictures.values_list("name", "width", "height")[:MOST_PICTURES]
    return tuple(
        Image(name, reverse("picture", args=[challenge.slug, name]), width, height) for name, width, height in rows
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Content:
    """Bytes of a picture and the media type we give them, whatever anybody called them."""

    data: bytes
    media_type: str


def content(picture: Picture) -> Content | None:
    """What is stored; None if it is gone or is no picture of ours."""
    try:
        with picture.file.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        log.error("a picture can't be read", picture=picture.pk, error=repr(error))
        return None
    media_type = next((kind for magic, at, kind in _KINDS if data[at : at + len(magic)] == magic), None)
    if media_type is None or len(data) > MOST_BYTES:
        return None
    return Content(data, media_type)
