"""The answers of an evaluation, kept as one zip of label maps that we have encoded ourselves."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Sequence
from typing import IO

import numpy as np
from PIL import Image

from evaluator.datasets import MAX_IMAGES
from evaluator.metrics import NO_CLASS, SCORE_SIZE, LabelMap

MOST_BYTES = 400 * 1024**2
"""Of such a zip. Of 204 images it has 1 MB; noise in MAX_IMAGES of them would have 250 MB."""

_PIXELS = SCORE_SIZE[0] * SCORE_SIZE[1]
_STAMP = (1980, 1, 1, 0, 0, 0)
"""The time of every entry: the same answers give the same bytes."""


class NotKept(Exception):
    """The zip would be larger than MOST_BYTES, or lack answers."""


class Keeper:
    """Takes answers in any order, as they are scored, and packs them when all are there. A context manager.

    They wait unpacked in a nameless file, 32 KiB each: to take one costs some microseconds, so that it makes no run
    slower. A disk that is full makes `pack` fail, and nothing before it.
    """

    def __init__(self) -> None:
        self._maps = tempfile.TemporaryFile(prefix="parakh-answers-")  # noqa: SIM115 (closed by __exit__)
        self._failure: OSError | None = None
        self._there: set[int] = set()

    def __enter__(self) -> Keeper:
        return self

    def __exit__(self, *error: object) -> None:
        self._maps.close()

    def add(self, index: int, labels: LabelMap) -> None:
        """One answer: uint8[128, 256], of the image with that place in the data set. What is no class is kept as 7."""
        assert index < MAX_IMAGES
        try:
            self._maps.seek(index * _PIXELS)
            self._maps.write(np.minimum(labels, NO_CLASS).tobytes())
            self._there.add(index)
        except OSError as error:
            self._failure = error

    def pack(self, names: Sequence[str], sink: IO[bytes], most_bytes: int = MOST_BYTES) -> None:
        """Writes a zip of PNGs (mode L, 256 x 128) to `sink`.

        Args:
            names: of the files, in the order of the data set.

        Raises:
            NotKept: it grows beyond `most_bytes`, or not all answers have been added.
            OSError: the disk failed, now or when an answer was added.
        """
        if self._failure is not None:
            raise self._failure
        if len(self._there) < len(names):
            raise NotKept(f"only {len(self._there)} of {len(names)} answers are there")
        self._maps.seek(0)
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
            for name in names:
                labels = np.frombuffer(self._maps.read(_PIXELS), np.uint8).reshape(SCORE_SIZE[::-1])
                archive.writestr(zipfile.ZipInfo(name, _STAMP), encode(labels))
                if sink.tell() > most_bytes:
                    raise NotKept(f"the label maps take more than {most_bytes} bytes")


def encode(labels: LabelMap) -> bytes:
    """A label map as PNG, mode L."""
    encoded = io.BytesIO()
    Image.fromarray(labels).save(encoded, "PNG")
    return encoded.getvalue()
