"""The site as a Django application."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate


class ChallengeConfig(AppConfig):
    """Registers the system checks."""

    name = "challenge"
    verbose_name = "Parakh"

    def ready(self) -> None:
        """Called once by Django when all models are loaded."""
        # Registers by import, and only now: the checks look at the models.
        import_module("challenge.checks")
        post_migrate.connect(_install_guards, sender=self)


def _install_guards(using: str, plan: Any = (), **kwargs: Any) -> None:
    """After `migrate`, and after a test's `flush`. An older schema, on the way back, has not all of the tables."""
    guards = import_module("challenge.guards")
    if not any(is_backwards for _, is_backwards in plan):
        guards.install(connections[using])
