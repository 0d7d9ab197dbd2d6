"""The site as a Django application."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class ChallengeConfig(AppConfig):
    """Registers the system checks."""

    name = "challenge"
    verbose_name = "Parakh"

    def ready(self) -> None:
        """Called once by Django when all models are loaded."""
        # Registers by import, and only now: the checks look at the models.
        import_module("challenge.checks")
