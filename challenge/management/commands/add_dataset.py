"""Registers a data set split: `python manage.py add_dataset idd-lite-val /data/idd20k_lite --split val`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from challenge.models import Dataset as DatasetRow
from evaluator.datasets import Dataset
from evaluator.errors import DatasetError


class Command(BaseCommand):
    """Checks every image and label first; registering the same again changes nothing."""

    help = "Checks a data set split in the idd20k_lite layout and registers it under a name."

    def add_arguments(self, parser: CommandParser) -> None:
        """NAME DIR --split SPLIT [--drawn]"""
        parser.add_argument("name", help="Name to register it under: letters, digits, hyphens.")
        parser.add_argument("directory", type=Path, help="Holds leftImg8bit/ and gtFine/.")
        parser.add_argument("--split", default="val", help="Which split of it (default: val).")
        parser.add_argument("--drawn", action="store_true", help="It was drawn by `python -m evaluator sample`.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError with what is wrong and where."""
        name, directory, split = options["name"], options["directory"].resolve(), options["split"]
        try:
            dataset = Dataset.open(directory, split)
            wrong = dataset.check()
        except DatasetError as error:
            raise CommandError(f"{directory} was not registered: {error}") from None
        if wrong:
            raise CommandError("\n  ".join([f"{directory} was not registered:", *wrong]))
        fingerprint = dataset.fingerprint()
        row, is_new = DatasetRow.objects.get_or_create(
            name=name,
            defaults={
                "path": str(directory),
                "split": split,
                "images": len(dataset),
                "fingerprint": fingerprint,
                "presence": dataset.presence(),
                "is_drawn": options["drawn"],
            },
        )
        if not is_new and row.fingerprint != fingerprint:
            raise CommandError(
                f"{name!r} is registered already, with other images or labels ({row.path}, split {row.split}). "
                "Scores on both could not be compared: register this one under another name."
            )
        if row.presence is None:  # Registered before splits were known.
            row.presence = dataset.presence()
            row.save(update_fields=["presence"])
        if not is_new and (row.path, row.split) != (str(directory), split):
            row.path, row.split = str(directory), split  # The same data in another place.
            row.save(update_fields=["path", "split"])
            self.stdout.write(f"{name}: the same {row.images} images, now read from {directory}.")
            return
        self.stdout.write(f"{name}: {len(dataset)} images, {'registered' if is_new else 'registered already'}.")
