"""`python manage.py restore DIR/20261124T031500Z`: a backup into an empty database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from challenge import backups


class Command(BaseCommand):
    """Never overwrites anything."""

    help = "Restores a backup into the empty database that DATABASE_URL names, and uploads that storage lacks."
    requires_system_checks: list[str] = []  # The database is empty: there is nothing to check in it.

    def add_arguments(self, parser: CommandParser) -> None:
        """BACKUP"""
        parser.add_argument("backup", type=Path, help="One of the directories that `backup` has written.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError with the reason if nothing was restored."""
        try:
            uploads = backups.restore(options["backup"].resolve())
        except (backups.BackupError, OSError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(
            f"Restored, with {uploads} uploads. Run `manage.py migrate` if the code is newer than the backup, then "
            "start site and workers: what was being evaluated is queued again within a minute or two."
        )
