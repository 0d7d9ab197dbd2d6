"""Can a data set be split into a public and a private part? Asked when an organizer sets it, long before a score does.

The split itself is made where a score is published (results.py), of the images as they were scored.
"""

from __future__ import annotations

from pathlib import Path

from challenge.models import Dataset
from evaluator import datasets
from evaluator.errors import DatasetError
from evaluator.splits import SplitError, public_images, unpack

MOST_READ = 2_000
"""Labels that are read while a person waits: 1 ms each. Larger data sets have their classes noted when registered."""


def refusal(dataset: Dataset, share: int, seed: int) -> str:
    """Why so many percent of the images can't be public, and what to choose; empty if they can.

    Args:
        share: 100: no split, which is always possible.
        seed: of the phase.
    """
    if share == 100:
        return ""
    packed = bytes(dataset.presence) if dataset.presence is not None else _read(dataset)
    if packed is None:
        return (
            f"Which classes the images of {dataset.name} show is not known here, so a split can't be checked. "
            "Staff have to register the data set again: python manage.py add_dataset."
        )
    try:
        public_images(unpack(packed), share, seed)
    except SplitError as error:
        return str(error)
    return ""


def _read(dataset: Dataset) -> bytes | None:
    """From the labels, if they lie on this machine, and are few."""
    if dataset.images > MOST_READ:
        return None
    try:
        return datasets.Dataset.open(Path(dataset.path), dataset.split).presence()
    except (DatasetError, OSError):
        return None
