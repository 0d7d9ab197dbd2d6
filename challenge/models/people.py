"""What a person has set, and what her scripts have asked for."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from knox.models import AbstractAuthToken


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
    makes = models.UUIDField(default=uuid.uuid4, help_text="Id of the submission it makes, also if it is asked again.")
    held_until = models.DateTimeField(
        default=timezone.now, help_text="Until then somebody is at it; after that, whoever asks again goes on."
    )
    status = models.PositiveSmallIntegerField(null=True, help_text="Null while it is under way.")
    answer = models.JSONField(null=True)
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("user", "key"), name="idempotency_key_unique"),)

    def __str__(self) -> str:
        return self.key


class Token(AbstractAuthToken):  # type: ignore[misc]
    """Lets a script act as a person. Only its digest is kept; what begins it tells it from others."""

    name = models.CharField(max_length=60, help_text="What it is for.")
    last_used = models.DateTimeField(null=True, blank=True, help_text="Written down at most every few minutes.")

    class Meta:
        ordering = ("created",)
        constraints = (models.UniqueConstraint(fields=("user", "name"), name="token_name_unique"),)

    def __str__(self) -> str:
        return f"{self.name} of {self.user}"
