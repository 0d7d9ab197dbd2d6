"""The machines that evaluate."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class Host(models.Model):
    """A machine that evaluates: what it can give to runs, and whether it is in service."""

    name = models.CharField(max_length=100, unique=True, help_text="PARAKH_HOST_NAME of its workers.")
    queues = models.JSONField(default=list, help_text="Names of the queues its workers serve.")
    cores = models.PositiveIntegerField(help_text="That runs may use, all together.")
    memory_bytes = models.PositiveBigIntegerField()
    gpus = models.PositiveIntegerField(default=0)
    runtimes = models.JSONField(default=list)
    facts = models.JSONField(default=dict, help_text="What its engine says of itself.")
    first_seen = models.DateTimeField(default=timezone.now)
    last_seen = models.DateTimeField(default=timezone.now, help_text="By the database's clock.")
    quarantined_at = models.DateTimeField(null=True, blank=True, help_text="Since then it claims nothing.")
    quarantined_why = models.CharField(max_length=300, blank=True)
    released_at = models.DateTimeField(null=True, blank=True, help_text="Faults before that no longer count.")

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name
