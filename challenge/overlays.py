"""Pictures of a few images with the true classes and with the answered ones over them.

Only of data sets that are open, where neither images nor labels are secret; the answers come from the kept label maps.
What is drawn once is remembered: a picture costs some milliseconds, and a bucket a whole zip.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import IO, Literal

import numpy as np
import structlog
from django.core.cache import cache
from PIL import Image

from challenge import kept
from challenge.models import Dataset as DatasetRow
from challenge.models import Submission
from evaluator import intervals, label_maps
from evaluator.datasets import Dataset
from evaluator.errors import DatasetError
from evaluator.metrics import NO_CLASS, LabelMap

log = structlog.get_logger(__name__)

What = Literal["image", "truth", "answer"]

EXAMPLES = 6
MOST_BYTES = 15_000
MOST_READ = 64 * 1024**2
"""Of a zip of label maps: from larger ones no pictures are drawn."""

WIDTH, HEIGHT = label_maps.NATIVE_SIZE

COLOURS = (
    (0xE0, 0xA0, 0x2F), (0xC9, 0x74, 0x4A), (0xE2, 0x66, 0x7F), (0x6F, 0xB1, 0xD6),
    (0x79, 0xB5, 0x8A), (0xB5, 0x9A, 0xD6), (0xD9, 0xD2, 0xBD),
)  # fmt: skip
"""Of the classes, as in static/parakh/figures.css."""

_STRENGTH = 0.62
_QUALITIES = (75, 60, 45, 30, 15, 5, 1)
_SECONDS = 7 * 24 * 3600
_VERSION = 1
"""Of the way they are drawn: part of every ETag."""


@dataclasses.dataclass(frozen=True, slots=True)
class Example:
    """One of the images that are shown. `miou`: over this image alone, a fraction of 1; None where not known."""

    number: int
    image: int
    miou: float | None


def examples(submission: Submission) -> list[Example]:
    """Which images are shown of a submission: the same of all in its phase. None where nothing may be shown."""
    if not may_be_shown(submission):
        return []
    score, total = submission.score, submission.phase.dataset.images
    assert score is not None
    count = min(EXAMPLES, total)
    places = [int((number + 0.5) * total / count) for number in range(count)]
    counts = intervals.unpack(bytes(score.per_image)) if score.per_image else None
    known = counts is not None and len(counts) == total
    return [
        Example(number, place + 1, _miou(counts[place]) if known and counts is not None else None)
        for number, place in enumerate(places, 1)
    ]


def may_be_shown(submission: Submission) -> bool:
    """True if nothing about the data is secret, its answers are kept, and this machine has the images."""
    phase, score = submission.phase, submission.score
    is_secret = phase.hidden_data or (phase.has_split and phase.revealed_at is None)
    if is_secret or not phase.dataset.is_open or score is None or not score.attempt.predictions:
        return False
    return Path(phase.dataset.path).is_dir()


def etag(submission: Submission, number: int, what: What) -> str:
    """Changes with whatever the picture is drawn of."""
    score, data = submission.score, submission.phase.dataset
    attempt = score.attempt_id if score is not None and what == "answer" else 0
    facts = f"{_VERSION} {data.pk} {data.fingerprint} {attempt} {number} {what}"
    return f'"{hashlib.sha256(facts.encode()).hexdigest()[:24]}"'


def picture(submission: Submission, number: int, what: What) -> bytes:
    """A WebP, 320 x 227, of at most MOST_BYTES.

    Raises:
        kept.Missing: there is no such picture.
        storage.Away: the storage does not answer.
    """
    shown = {example.number: example.image - 1 for example in examples(submission)}
    if number not in shown:
        raise kept.Missing
    key = f"parakh-overlay-{etag(submission, number, what)}"
    found: bytes | None = cache.get(key)
    if found is None:
        labels = _answers(submission, shown) if what == "answer" else {}
        drawn = _drawn(submission.phase.dataset, shown, what, labels)
        for place, one in drawn.items():
            cache.set(f"parakh-overlay-{etag(submission, place, what)}", one, _SECONDS)
        found = drawn[number]
    return found


def _miou(of_image: intervals.Counts) -> float:
    union = of_image.sum(axis=1)
    there = union > 0
    return float((of_image[there, 0] / union[there]).mean()) if there.any() else 0.0


def _answers(submission: Submission, shown: dict[int, int]) -> dict[int, LabelMap]:
    """The label maps that were kept of these images: in the zip they are in the order of the data set."""
    assert submission.score is not None
    with kept.opened(submission.score.attempt) as file, _seekable(file) as packed:
        try:
            with zipfile.ZipFile(packed) as archive:
                entries = archive.infolist()
                if len(entries) != submission.phase.dataset.images:
                    raise kept.Missing
                return {number: label_maps.decode(archive.read(entries[at])) for number, at in shown.items()}
        except (zipfile.BadZipFile, label_maps.BadLabelMap) as error:
            log.error("kept label maps can't be read", submission=str(submission.pk), error=str(error))
            raise kept.Missing from error


def _seekable(file: IO[bytes]) -> IO[bytes]:
    """A bucket gives a stream, forwards only."""
    if file.seekable():
        return file
    copy = tempfile.SpooledTemporaryFile(max_size=4 * 1024**2)  # noqa: SIM115 (the caller closes it)
    shutil.copyfileobj(file, copy, 1024**2)
    if copy.tell() > MOST_READ:
        raise kept.Missing
    copy.seek(0)
    return copy


def _drawn(row: DatasetRow, shown: dict[int, int], what: What, labels: dict[int, LabelMap]) -> dict[int, bytes]:
    """All of one sort: who sees one sees the others too."""
    try:
        dataset = Dataset.open(Path(row.path), row.split)
        found = {}
        for number, at in shown.items():
            with Image.open(io.BytesIO(dataset.image_bytes(at))) as image:
                base = image.convert("RGB")
            if what != "image":
                base = over(base, labels[number] if what == "answer" else dataset.truth(at))
            found[number] = encoded(base)
    except (OSError, DatasetError, IndexError) as error:
        log.error("the images of a data set can't be read here", dataset=row.name, error=str(error))
        raise kept.Missing from error
    return found


def over(base: Image.Image, labels: LabelMap) -> Image.Image:
    """An image with its classes over it in their colours. What is no class stays as it is, in grey."""
    palette = np.zeros((NO_CLASS + 1, 3), np.uint8)
    palette[:NO_CLASS] = COLOURS
    classes = np.minimum(labels, NO_CLASS)
    grey = base.convert("L").convert("RGB")
    colours = Image.fromarray(palette[classes]).resize(base.size, Image.Resampling.NEAREST)
    strength = Image.fromarray(np.where(classes < NO_CLASS, np.uint8(255 * _STRENGTH), np.uint8(0)))
    return Image.composite(colours, grey, strength.resize(base.size, Image.Resampling.NEAREST))


def encoded(picture: Image.Image) -> bytes:
    """WebP, as good as fits into MOST_BYTES."""
    for quality in _QUALITIES:
        file = io.BytesIO()
        picture.save(file, "WEBP", quality=quality, method=4)
        if file.tell() <= MOST_BYTES:
            break
    return file.getvalue()
