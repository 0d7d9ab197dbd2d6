"""What people are told by mail, and what organizers did."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from challenge.models.challenges import Challenge


class Alert(models.Model):
    """What the operators were told of, and when: see alerts.py."""

    cause = models.CharField(max_length=200, unique=True)
    mailed_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(default=timezone.now)
    silenced = models.PositiveIntegerField(default=0, help_text="Times seen since the last mail.")

    class Meta:
        ordering = ("-seen_at",)

    def __str__(self) -> str:
        return self.cause


class Topic(models.TextChoices):
    """What a mail is about: who gets it may stop some of them."""

    ACCOUNT = "account"
    TEAM = "team"
    DONE = "done"
    NEWS = "news"
    ORGANIZER = "organizer"
    OPERATORS = "operators"


class Notice(models.Model):
    """A mail to a person, written in the transaction that it tells of and sent afterwards: see mails.py."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="notices")
    email = models.EmailField(help_text="Where it goes.")
    topic = models.CharField(max_length=10, choices=Topic.choices, default=Topic.ACCOUNT)
    cause = models.CharField(max_length=100, unique=True, help_text="What it tells of; nobody is told twice.")
    subject = models.CharField(max_length=200)
    body = models.TextField()
    created = models.DateTimeField(default=timezone.now)
    tries = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)
    given_up_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = (
            models.Index(
                fields=("not_before",),
                condition=models.Q(sent_at__isnull=True, given_up_at__isnull=True),
                name="notices_to_send",
            ),
            models.Index(fields=("created",), name="notices_by_age"),
        )

    def __str__(self) -> str:
        return self.subject


class AuditEntry(models.Model):
    """What an organizer or staff did to a challenge. Written once, by audit.py, in the transaction of the act."""

    # Entries outlive a challenge: nothing in them ever changes, so the id may come to point nowhere.
    challenge = models.ForeignKey(
        Challenge, on_delete=models.DO_NOTHING, null=True, db_constraint=False, related_name="audit"
    )
    challenge_slug = models.CharField(max_length=50, blank=True)
    actor = models.CharField(max_length=150)
    act = models.CharField(max_length=40, help_text="A short word: `limits`, `disqualify`.")
    what = models.CharField(max_length=300, help_text="One sentence.")
    details = models.JSONField(default=dict, help_text="Before and after.")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.actor}: {self.what}"
