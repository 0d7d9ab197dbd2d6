"""Django admin for staff. What submissions.py writes is shown, never edited here."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from challenge.models import (
    Attempt,
    BoardRow,
    Challenge,
    Dataset,
    Membership,
    Phase,
    Score,
    Submission,
    Team,
    Transition,
)


class ReadOnlyAdmin(admin.ModelAdmin[Model]):
    """Records with rules of their own: looked at here, changed by the services."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class PhaseInline(admin.TabularInline[Phase, Challenge]):
    """Dates of a challenge's phases at a glance."""

    model = Phase
    fields = ("title", "slug", "dataset", "opens", "closes", "hidden_data")
    extra = 0
    show_change_link = True


class MembershipInline(admin.TabularInline[Membership, Team]):
    """Who is in the team."""

    model = Membership
    fields = ("user", "challenge", "joined")
    raw_id_fields = ("user",)
    extra = 0


@admin.register(Challenge)
class ChallengeAdmin(admin.ModelAdmin[Challenge]):
    list_display = ("title", "slug", "is_public", "created")
    prepopulated_fields = {"slug": ("title",)}
    filter_horizontal = ("organizers",)
    inlines = (PhaseInline,)


@admin.register(Phase)
class PhaseAdmin(admin.ModelAdmin[Phase]):
    list_display = ("title", "challenge", "dataset", "opens", "closes")
    list_filter = ("challenge",)


@admin.register(Team)
class TeamAdmin(admin.ModelAdmin[Team]):
    list_display = ("name", "challenge", "is_baseline", "created")
    list_filter = ("challenge", "is_baseline")
    search_fields = ("name",)
    inlines = (MembershipInline,)


@admin.register(Dataset)
class DatasetAdmin(ReadOnlyAdmin):
    list_display = ("name", "split", "images", "is_drawn", "path", "fingerprint")


@admin.register(Submission)
class SubmissionAdmin(ReadOnlyAdmin):
    list_display = ("title", "team", "phase", "kind", "state", "attempt_count", "platform_faults", "created")
    list_filter = ("state", "kind", "phase")
    search_fields = ("id", "title", "team__name")
    exclude = ("file",)
    date_hierarchy = "created"


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    list_display = ("submission", "number", "state", "verdict", "worker", "claimed_at", "done_at")
    list_filter = ("state", "verdict")
    exclude = ("seed",)


@admin.register(Score)
class ScoreAdmin(ReadOnlyAdmin):
    list_display = ("attempt", "miou", "created")


@admin.register(BoardRow)
class BoardRowAdmin(ReadOnlyAdmin):
    list_display = ("phase", "team", "miou", "achieved")
    list_filter = ("phase",)


@admin.register(Transition)
class TransitionAdmin(ReadOnlyAdmin):
    list_display = ("submission", "before", "after", "actor", "reason", "at")
