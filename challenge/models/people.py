"""What a person has set, and what her scripts have asked for."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone


class Profile(models.Model):
    """A person's settings. Who has never changed one has no row: the defaults hold."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="profile")
    mail_when_done = models.BooleanField(default=True, help_text="A mail when a submission of yours has ended.")
    mail_news = models.BooleanField(default=True, help_text="A mail when organizers of your challenges have news.")

    def __str__(self) -> str:
        return f"settings of {self.user}"


class IdempotencyKey(models.Model):
    """The answer to a request that a script may send again: it gets the same answer, and nothing happens twice."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the request.")
    status = models.PositiveSmallIntegerField(null=True, help_text="Null while it is under way.")
    answer = models.JSONField(null=True)
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("user", "key"), name="idempotency_key_unique"),)

    def __str__(self) -> str:
        return self.key
