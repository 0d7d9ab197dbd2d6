"""Django admin for staff. What submissions.py writes is shown, never edited here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from challenge import holds, hosts, ranking
from challenge.models import (
    Attempt,
    AttemptTransition,
    BoardRow,
    Challenge,
    Dataset,
    Host,
    Membership,
    Phase,
    Score,
    Standing,
    Submission,
    Team,
    Transition,
)
from challenge.organizing import acts, drafts


class ReadOnlyAdmin(admin.ModelAdmin[Model]):
    """Records with rules of their own: looked at here, changed by the services."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReasonForm(ActionForm):
    """Beside the choice of an action: why. Teams read it where a submission is ended."""

    reason = forms.CharField(max_length=200, required=False, label="Reason")


class OperatorAdmin(ReadOnlyAdmin):
    """Records that staff with the right to change them act on, each time with a reason."""

    action_form = ReasonForm

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """For `@admin.action(permissions=["operate"])`."""
        user = cast(User, request.user)
        return user.has_perm(f"challenge.change_{self.opts.model_name}")

    def act(
        self, request: HttpRequest, chosen: QuerySet[Any], work: Callable[[Any, str], bool], done: str, no: str
    ) -> None:
        """Does `work(record, reason)` for each, notes it in the admin's log, and tells how many it was done for."""
        reason = request.POST.get("reason", "").strip()
        if not reason:
            self.message_user(request, "Give a reason beside the action.", messages.ERROR)
            return
        for record in chosen:
            if work(record, reason):
                self.log_change(request, record, f"{done}: {reason}")
                self.message_user(request, f"{record}: {done}.")
            else:
                self.message_user(request, f"{record}: {no}.", messages.WARNING)


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
class ChallengeAdmin(OperatorAdmin):
    """Reviews: looked at on the site, answered here. Its organizers do the rest on the site."""

    list_display = ("title", "slug", "stage", "review_asked_at", "created_by", "created")
    list_filter = ("stage",)
    search_fields = ("title", "slug")
    actions = ("approve", "send_back", "take_down")
    inlines = (PhaseInline,)

    @admin.action(description="Approve: let it go live", permissions=["operate"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Challenge]) -> None:
        by = cast(User, request.user)
        self.act(request, queryset, lambda one, why: self._did(drafts.approve, one, by), "is live", "was not approved")

    @admin.action(description="Send back: the reason is what its organizers read", permissions=["operate"])
    def send_back(self, request: HttpRequest, queryset: QuerySet[Challenge]) -> None:
        by = cast(User, request.user)
        self.act(
            request, queryset, lambda one, why: self._did(drafts.send_back, one, by, why), "sent back", "not in review"
        )

    @admin.action(description="Take off the site, with a reason its organizers read", permissions=["operate"])
    def take_down(self, request: HttpRequest, queryset: QuerySet[Challenge]) -> None:
        by = cast(User, request.user)
        self.act(
            request, queryset, lambda one, why: self._did(drafts.take_down, one, by, why), "taken down", "is not live"
        )

    def _did(self, act: Callable[..., None], *given: Any) -> bool:
        try:
            act(*given)
        except acts.Refused:
            return False
        return True


@admin.register(Phase)
class PhaseAdmin(admin.ModelAdmin[Phase]):
    list_display = ("title", "challenge", "dataset", "opens", "closes")
    list_filter = ("challenge",)
    # Scores and boards hang on them: they are changed by acts that put those right (ranking/).
    readonly_fields = ("public_share", "freezes", "revealed_at")
    exclude = ("split_seed",)


@admin.register(Team)
class TeamAdmin(admin.ModelAdmin[Team]):
    list_display = ("name", "challenge", "is_baseline", "created")
    list_filter = ("challenge", "is_baseline")
    search_fields = ("name",)
    inlines = (MembershipInline,)
    readonly_fields = ("disqualified_at", "disqualified_why")

    def save_model(self, request: HttpRequest, obj: Team, form: Any, change: bool) -> None:
        """Its rows say whether it is a baseline."""
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            for phase in Phase.objects.filter(submissions__team=obj).distinct().order_by("pk"):
                ranking.refresh(phase, obj)


@admin.register(Dataset)
class DatasetAdmin(ReadOnlyAdmin):
    exclude = ("presence",)

    list_display = ("name", "split", "images", "is_drawn", "path", "fingerprint")


@admin.register(Submission)
class SubmissionAdmin(OperatorAdmin):
    list_display = ("title", "team", "phase", "kind", "state", "held_at", "attempt_count", "platform_faults", "created")
    list_filter = ("state", ("held_at", admin.EmptyFieldListFilter), "kind", "phase")
    actions = ("release_held", "fail_held")
    search_fields = ("id", "title", "team__name")
    exclude = ("file",)
    date_hierarchy = "created"

    @admin.action(description="Release held submissions: run them again", permissions=["operate"])
    def release_held(self, request: HttpRequest, queryset: QuerySet[Submission]) -> None:
        by = cast(User, request.user)
        self.act(request, queryset, lambda one, why: holds.release(one, by, why), "released", "is not held")

    @admin.action(description="Fail held submissions: end them", permissions=["operate"])
    def fail_held(self, request: HttpRequest, queryset: QuerySet[Submission]) -> None:
        by = cast(User, request.user)
        self.act(request, queryset, lambda one, why: holds.fail(one, by, why), "ended", "is not held")


@admin.register(Host)
class HostAdmin(OperatorAdmin):
    list_display = (
        "name",
        "last_seen",
        "cores",
        "memory_bytes",
        "gpus",
        "running",
        "quarantined_at",
        "quarantined_why",
    )
    actions = ("put_back", "take_out")

    @admin.display(description="running")
    def running(self, host: Host) -> int:
        return host.attempts.exclude(state="done").count()

    @admin.action(description="Put back into service", permissions=["operate"])
    def put_back(self, request: HttpRequest, queryset: QuerySet[Host]) -> None:
        self.act(request, queryset, lambda host, why: hosts.release(host), "back in service", "is in service already")

    @admin.action(description="Take out of service: claim nothing more", permissions=["operate"])
    def take_out(self, request: HttpRequest, queryset: QuerySet[Host]) -> None:
        by = cast(User, request.user)
        done, no = "out of service", "is out of service already"
        self.act(request, queryset, lambda host, why: hosts.quarantine(host, f"{by}: {why}"), done, no)


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    list_display = ("submission", "number", "state", "verdict", "worker", "claimed_at", "done_at")
    list_filter = ("state", "verdict")
    exclude = ("seed",)


@admin.register(Score)
class ScoreAdmin(ReadOnlyAdmin):
    list_display = ("attempt", "miou", "created")
    exclude = ("private_miou", "private")  # Staff may take part. The site shows them when they may be seen.


@admin.register(BoardRow)
class BoardRowAdmin(ReadOnlyAdmin):
    list_display = ("phase", "standing", "team", "miou", "achieved")
    list_filter = ("standing", "phase")

    def get_queryset(self, request: HttpRequest) -> QuerySet[BoardRow]:
        """Without the final ones, which may be of private images: the site shows them to whom they may be shown."""
        return BoardRow.objects.exclude(standing=Standing.FINAL)


@admin.register(Transition)
class TransitionAdmin(ReadOnlyAdmin):
    list_display = ("submission", "before", "after", "actor", "reason", "at")


@admin.register(AttemptTransition)
class AttemptTransitionAdmin(ReadOnlyAdmin):
    list_display = ("attempt", "before", "after", "actor", "reason", "at")
