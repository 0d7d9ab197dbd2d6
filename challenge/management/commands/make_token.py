"""An API token for somebody, from the command line."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from challenge import tokens


class Command(BaseCommand):
    """Prints the token and nothing else, so that a script can take it."""

    help = "Makes an API token for a user and prints it: it can't be read again."

    def add_arguments(self, parser: CommandParser) -> None:
        """USER, NAME, --days"""
        parser.add_argument("user", help="Whose it is.")
        parser.add_argument("name", help="What it is for.")
        parser.add_argument("--days", type=int, help="How long it works; without it, until it is revoked.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError if there is no such user, or she has too many tokens."""
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"There is no user called {options['user']!r}.")
        try:
            self.stdout.write(tokens.make(user, options["name"], options["days"]))
        except tokens.TokenRefused as refusal:
            raise CommandError(str(refusal)) from None
