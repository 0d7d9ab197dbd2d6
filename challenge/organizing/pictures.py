"""Pictures for a challenge's pages: decoded and written anew, so that no byte of an upload is ever served."""

from __future__ import annotations

import io
import secrets
from pathlib import PurePath
from typing import IO

import structlog
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils.text import slugify
from PIL import Image, ImageOps, UnidentifiedImageError

from challenge import audit, storage
from challenge.models import Challenge, Picture
from challenge.organizing.acts import Refused

MOST_PICTURES = 40

MOST_BYTES = 8 * 1024**2
"""Of an upload."""

MOST_PIXELS = 24_000_000
"""Before it is made smaller: 24 megapixels take some 100 MB of memory while they are decoded."""

LARGEST_SIDE = 1600
"""Larger ones are made smaller: no page shows more."""

FORMATS = ("PNG", "JPEG", "WEBP")

CONTENT_TYPE = "image/webp"

log = structlog.get_logger(__name__)


def add(challenge: Challenge, by: User, upload: IO[bytes], name: str) -> Picture:
    """Keeps a picture under this name; an upload's file name will do.

    Raises:
        Refused: not a picture we take, too large, or too many.
        storage.Away: it can't be kept now.
    """
    slug = slugify(PurePath(name).stem)[:60] or f"picture-{secrets.token_hex(3)}"
    if Picture.objects.filter(challenge=challenge).count() >= MOST_PICTURES:
        raise Refused(f"A challenge has at most {MOST_PICTURES} pictures. Delete one first.", field="file")
    if Picture.objects.filter(challenge=challenge, name=slug).exists():
        raise Refused(f"There is a picture “{slug}” already. Delete it first, or choose another name.", field="name")
    written, (width, height) = _written_anew(upload)
    picture = Picture(challenge=challenge, name=slug, width=width, height=height, bytes=len(written))
    with storage.reachable():
        picture.file.save(slug, ContentFile(written), save=False)
    try:
        with transaction.atomic():
            Challenge.objects.select_for_update().get(pk=challenge.pk)
            if Picture.objects.filter(challenge=challenge).count() >= MOST_PICTURES:
                raise Refused(f"A challenge has at most {MOST_PICTURES} pictures.", field="file")
            if Picture.objects.filter(challenge=challenge, name=slug).exists():
                raise Refused(f"There is a picture “{slug}” already.", field="name")
            picture.save()
            audit.note(challenge, by, "pictures", f"Added the picture {slug}", size=[width, height])
    except BaseException:
        forget_file(picture)
        raise
    return picture


def delete(picture: Picture, by: User) -> None:
    """Removes it; pages that show it show its description instead."""
    with transaction.atomic():
        audit.note(picture.challenge, by, "pictures", f"Deleted the picture {picture.name}")
        Picture.objects.filter(pk=picture.pk).delete()
    forget_file(picture)


def forget_file(picture: Picture) -> None:
    """Removes the file, if the storage answers: one that stays behind harms nobody."""
    try:
        picture.file.storage.delete(picture.file.name or "")
    except OSError as error:
        log.warning("a picture's file could not be removed", name=picture.file.name, error=repr(error))


def _written_anew(upload: IO[bytes]) -> tuple[bytes, tuple[int, int]]:
    """WebP of the decoded pixels, with nothing else of the upload in it; and its size."""
    raw = upload.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise Refused(f"The file has more than {MOST_BYTES // 1024**2} MiB. Make the picture smaller.", field="file")
    try:
        with Image.open(io.BytesIO(raw), formats=FORMATS) as found:
            if found.width * found.height > MOST_PIXELS:
                raise Refused(
                    f"The picture has {found.width} × {found.height} pixels; {MOST_PIXELS // 10**6} megapixels are the "
                    "most. Make it smaller.",
                    field="file",
                )
            is_drawing = found.format == "PNG"
            found.draft("RGB", (LARGEST_SIDE, LARGEST_SIDE))
            pixels = ImageOps.exif_transpose(found)
            has_alpha = "A" in pixels.getbands() or "transparency" in pixels.info
            pixels = pixels.convert("RGBA" if has_alpha else "RGB")
            pixels.thumbnail((LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.LANCZOS)
            written = io.BytesIO()
            # Drawings and screenshots stay sharp; photographs stay small.
            pixels.save(
                written, "WEBP", lossless=is_drawing, quality=60 if is_drawing else 85, exif=b"", icc_profile=None
            )
    except UnidentifiedImageError:
        raise Refused(
            "This is no PNG, JPEG or WebP file. Other formats, SVG too, are not taken.", field="file"
        ) from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise Refused(
            f"The picture can't be read to its end: {str(error)[:100]}. Save it anew.", field="file"
        ) from None
    return written.getvalue(), pixels.size
