"""Teams, who is in them, and who has been asked to join."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from challenge.models.challenges import Challenge


class Team(models.Model):
    """A team in one challenge; a person alone is a team of one."""

    challenge = models.ForeignKey(Challenge, on_delete=models.CASCADE, related_name="teams")
    name = models.CharField(max_length=60)
    slug = models.SlugField(
        max_length=60, validators=[RegexValidator(r"^[a-z0-9][a-z0-9-]*$", "Small letters, digits and hyphens.")]
    )
    is_baseline = models.BooleanField(default=False)
    disqualified_at = models.DateTimeField(null=True, blank=True, help_text="Since then it is not ranked.")
    disqualified_why = models.CharField(max_length=300, blank=True, help_text="Shown to everybody.")
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("challenge", "slug"), name="team_slug_unique"),
            models.UniqueConstraint(fields=("challenge", "name"), name="team_name_unique"),
        )
        indexes = (
            models.Index(
                fields=("challenge", "-disqualified_at"),
                condition=Q(disqualified_at__isnull=False),
                name="disqualified_teams",
            ),
        )

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """What a person may do in her team. Each team has at least one owner."""

    OWNER = "owner", "Owner"
    MEMBER = "member", "Member"


class Membership(models.Model):
    """Who is in which team: one team a person in each challenge."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    challenge = models.ForeignKey(Challenge, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)
    joined = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("challenge", "user"), name="one_team_per_challenge"),)

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"


class Answer(models.TextChoices):
    """What came of an invitation."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class Invitation(models.Model):
    """A person, named or by mail address, is asked to join a team; or a whole team is asked to merge into it.

    It is answered by whom it names, logged in and with that address verified: the id alone opens nothing.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="invitations")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="invitations_sent")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="invitations"
    )
    email = models.EmailField(blank=True)
    guest_team = models.ForeignKey(
        Team, on_delete=models.CASCADE, null=True, blank=True, related_name="merge_requests", help_text="To merge."
    )
    created = models.DateTimeField(default=timezone.now)
    expires = models.DateTimeField()
    answer = models.CharField(max_length=10, choices=Answer.choices, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created",)
        constraints = (
            models.CheckConstraint(
                condition=Q(user__isnull=False, email="", guest_team__isnull=True)
                | (Q(user__isnull=True, guest_team__isnull=True) & ~Q(email=""))
                | Q(user__isnull=True, email="", guest_team__isnull=False),
                name="invitation_names_one",
            ),
        )

    def __str__(self) -> str:
        return f"{self.user or self.email or self.guest_team} to {self.team}"
