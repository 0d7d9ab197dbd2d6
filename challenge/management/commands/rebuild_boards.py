"""Works all boards out anew: `python manage.py rebuild_boards [CHALLENGE]`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from challenge import ranking
from challenge.models import Challenge, Phase


class Command(BaseCommand):
    """After a repair of the database by hand, or an upgrade that says so. Boards stay readable meanwhile."""

    help = "Works the boards of all challenges, or of one, out anew from their scores."

    def add_arguments(self, parser: CommandParser) -> None:
        """[CHALLENGE]"""
        parser.add_argument("challenge", nargs="?", help="Short name of a challenge (default: all).")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError for an unknown challenge."""
        phases = Phase.objects.select_related("challenge").order_by("challenge", "position", "pk")
        if slug := options["challenge"]:
            if not Challenge.objects.filter(slug=slug).exists():
                known = ", ".join(Challenge.objects.values_list("slug", flat=True)[:50]) or "none"
                raise CommandError(f"There is no challenge {slug!r}. Known: {known}.")
            phases = phases.filter(challenge__slug=slug)
        for phase in phases:
            self.stdout.write(f"{phase}: {ranking.rebuild(phase)} teams")
