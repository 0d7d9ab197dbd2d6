"""What organizers have done to many at once, and what they have granted to one."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from challenge.models.challenges import Phase
from challenge.models.submissions import Submission
from challenge.models.teams import Team


class Rerun(models.Model):
    """Many submissions of a phase that are to run again, a few at a time: see organizing/reruns.py."""

    phase = models.ForeignKey(Phase, on_delete=models.CASCADE, related_name="reruns")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    why = models.CharField(max_length=300)
    which = models.CharField(max_length=100, help_text="What was chosen, in words.")
    created = models.DateTimeField(default=timezone.now)
    fed_at = models.DateTimeField(null=True, blank=True, help_text="Since then all of it has been queued.")
    called_off_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        indexes = (
            models.Index(
                fields=("id",), condition=Q(fed_at__isnull=True, called_off_at__isnull=True), name="reruns_to_feed"
            ),
        )

    def __str__(self) -> str:
        return f"{self.which} of {self.phase}"

    @property
    def is_open(self) -> bool:
        """True while some of it is still to be queued."""
        return self.fed_at is None and self.called_off_at is None


class RerunItem(models.Model):
    """One submission of a re-run of many."""

    rerun = models.ForeignKey(Rerun, on_delete=models.CASCADE, related_name="items")
    submission = models.ForeignKey(Submission, on_delete=models.CASCADE, related_name="rerun_items")
    queued_at = models.DateTimeField(null=True, blank=True)
    skipped = models.BooleanField(default=False, help_text="It ran already, or was withdrawn, when its turn came.")
    attempts_before = models.PositiveIntegerField(default=0, help_text="How many it had when it was queued.")

    class Meta:
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("rerun", "submission"), name="rerun_item_unique"),)
        indexes = (
            models.Index(fields=("rerun", "id"), condition=Q(queued_at__isnull=True), name="rerun_items_to_queue"),
        )

    def __str__(self) -> str:
        return f"{self.submission} in {self.rerun}"


class QuotaGrant(models.Model):
    """More submissions for one team than the phase gives to all."""

    phase = models.ForeignKey(Phase, on_delete=models.CASCADE, related_name="grants")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="grants")
    extra = models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(100)])
    day = models.DateField(
        null=True, blank=True, help_text="UTC day on which it may send so many more. Empty: only more in all."
    )
    why = models.CharField(max_length=300)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.extra} more for {self.team}"
