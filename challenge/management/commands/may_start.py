"""`python manage.py may_start`: what gunicorn asks before it serves, and a worker before it works."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from challenge.checks import reasons_not_to_start


class Command(BaseCommand):
    """Exit status 0, or 1 with what is wrong and what to do."""

    help = "Says whether the site may start: serious configuration mistakes, and a database that lacks migrations."
    requires_system_checks: list[str] = []  # It makes them itself.

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError with all reasons why not."""
        reasons = reasons_not_to_start()
        if reasons:
            raise CommandError("\n".join(["Not started:", *reasons]))
