"""`python manage.py backup DIR`: database and uploads, while site and workers go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from challenge import backups


class Command(BaseCommand):
    """Exit status 1 if anything that should be in the backup is not."""

    help = "Writes a backup of database and uploads below a directory. Put that on another disk or machine."

    def add_arguments(self, parser: CommandParser) -> None:
        """DIR --keep N"""
        parser.add_argument("directory", type=Path)
        parser.add_argument("--keep", type=int, default=14, help="How many backups are kept (default: 14).")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError with what is missing."""
        if options["keep"] < 1:
            raise CommandError("--keep must be at least 1.")
        try:
            made = backups.make(options["directory"].resolve(), options["keep"])
        except (backups.BackupError, OSError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(str(made))
