"""Submissions, their attempts, and the history of both."""

from __future__ import annotations

import secrets
import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from challenge.models.challenges import Contract, Phase
from challenge.models.hosts import Host
from challenge.models.teams import Team
from sandbox import Code, Limits


class Kind(models.TextChoices):
    CODE = "code", "Code: a zip with predict.py"
    IMAGE = "image", "Image: a docker save tar"
    PREDICTIONS = "predictions", "Predictions: a zip of label maps"

    @property
    def is_zip(self) -> bool:
        """Uploaded as a zip, under the limits of archives; else as an image tar."""
        return self is not Kind.IMAGE

    @property
    def runs(self) -> bool:
        """Needs a container, and so a host with room for it."""
        return self is not Kind.PREDICTIONS


class State(models.TextChoices):
    """Where a submission stands. The allowed moves are in submissions.py."""

    UPLOADING = "uploading"
    QUEUED = "queued"
    EVALUATING = "evaluating"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


VERDICTS = [(code.value, code.value) for code in Code]


def upload_path(submission: Submission, filename: str) -> str:
    """Where an upload is kept: never under a name the participant chose, and never twice under the same."""
    return f"submissions/{submission.pk}/{secrets.token_hex(8)}"


class Submission(models.Model):
    """One entry of a team in a phase."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    phase = models.ForeignKey(Phase, on_delete=models.PROTECT, related_name="submissions")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="submissions")
    creator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="submissions")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    base = models.CharField(max_length=30, blank=True, help_text="Base image of a code submission.")
    title = models.CharField(max_length=100, help_text="What the board shows beside the team.")
    file = models.FileField(upload_to=upload_path, max_length=200)
    file_name = models.CharField(max_length=200, help_text="As the participant called it; only ever shown.")
    # While it is uploading these two are what was announced; then, what was measured.
    file_bytes = models.PositiveBigIntegerField(default=0)
    file_sha256 = models.CharField(max_length=64, blank=True)
    received_at = models.DateTimeField(null=True, blank=True, help_text="When bytes of the upload last arrived.")

    # What its team says of it: shown, never measured.
    method = models.CharField(max_length=1000, blank=True, help_text="How it works, in a few sentences.")
    link = models.URLField(blank=True, help_text="Paper or code.")
    parameters = models.PositiveBigIntegerField(null=True, blank=True)
    gmac = models.FloatField(null=True, blank=True, help_text="10^9 multiply-accumulates an image.")

    is_chosen = models.BooleanField(default=False, help_text="The one its team wants to be judged by.")
    disqualified_at = models.DateTimeField(null=True, blank=True, help_text="Since then it is not ranked.")
    disqualified_why = models.CharField(max_length=300, blank=True, help_text="Shown to everybody.")

    state = models.CharField(max_length=12, choices=State.choices, default=State.UPLOADING)
    created = models.DateTimeField(default=timezone.now)
    queued_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    cancel_requested = models.BooleanField(default=False)

    charged = models.BooleanField(default=True, help_text="Counts against the team's quota.")
    score = models.ForeignKey(
        "Score",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="The score that counts: of the newest attempt that ended with a verdict on the submission.",
    )

    # The queue: lowest (turn, queued_at, id) first. `turn` is drawn when it is queued, so that teams alternate.
    turn = models.BigIntegerField(default=0)
    not_before = models.DateTimeField(null=True, blank=True, help_text="After a platform fault: not at once.")
    held_at = models.DateTimeField(null=True, blank=True, help_text="It waits for the operators, and is in no line.")
    note = models.CharField(max_length=300, blank=True, help_text="What the operators say of it; its team reads it.")

    # The claim. `fence` grows by one with each claim and each time a lease is taken away.
    fence = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True, help_text="By the database's clock.")
    attempt_count = models.PositiveIntegerField(default=0)
    platform_faults = models.PositiveIntegerField(default=0, help_text="Since it was last submitted or re-run.")
    workers_lost = models.PositiveIntegerField(default=0, help_text="Of those faults; since an operator looked at it.")

    class Meta:
        ordering = ("-created",)
        constraints = (
            models.CheckConstraint(
                condition=Q(state="evaluating", lease_until__isnull=False)
                | (~Q(state="evaluating") & Q(lease_until__isnull=True)),
                name="leased_while_evaluating",
            ),
            models.CheckConstraint(
                condition=Q(held_at__isnull=True) | Q(state="queued"), name="held_only_while_queued"
            ),
            models.UniqueConstraint(
                fields=("phase", "team"), condition=Q(is_chosen=True), name="one_chosen_submission"
            ),
            models.CheckConstraint(condition=~Q(state="finished") | Q(score__isnull=False), name="finished_has_score"),
        )
        indexes = (
            # The only one in the queue's order: given one of all phases, PostgreSQL may walk it for what a phase has.
            models.Index(
                fields=("phase", "turn", "queued_at", "id"),
                condition=Q(state="queued", held_at__isnull=True),
                name="submission_phase_queue",
            ),
            models.Index(  # They may be taken while runs wait for room: not to be looked for among all that wait.
                fields=("phase", "turn", "queued_at", "id"),
                condition=Q(state="queued", held_at__isnull=True, kind="predictions"),
                name="submission_predictions_queue",
            ),
            models.Index(fields=("lease_until",), condition=Q(state="evaluating"), name="submission_leases"),
            models.Index(fields=("state", "created"), name="submission_state"),
            models.Index(fields=("team", "phase", "-created"), name="submission_of_team"),
            models.Index(
                fields=("phase", "-disqualified_at"),
                condition=Q(disqualified_at__isnull=False),
                name="disqualified_submissions",
            ),
        )

    def __str__(self) -> str:
        return f"{self.title} by {self.team}"

    @property
    def is_final(self) -> bool:
        """True once nothing more will happen by itself."""
        return self.state in (State.FINISHED, State.FAILED, State.CANCELLED)


class AttemptState(models.TextChoices):
    """Where an attempt stands; `done` is final."""

    CLAIMED = "claimed"
    ADMITTING = "admitting"
    RUNNING = "running"
    SCORING = "scoring"
    DONE = "done"


class Attempt(models.Model):
    """One try at evaluating a submission, with all it was measured under."""

    submission = models.ForeignKey(Submission, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    fence = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=AttemptState.choices, default=AttemptState.CLAIMED)
    worker = models.CharField(max_length=120)
    ran_on = models.ForeignKey(Host, on_delete=models.PROTECT, null=True, blank=True, related_name="attempts")
    limits_data = models.JSONField()
    contract = models.CharField(max_length=10, choices=Contract.choices)
    seed = models.BigIntegerField(help_text="Of the image order; secret until the attempt is done.")
    images_done = models.PositiveIntegerField(default=0)
    images_total = models.PositiveIntegerField(default=0)
    claimed_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True, blank=True)
    verdict = models.CharField(max_length=20, choices=VERDICTS, blank=True)
    sentence = models.TextField(blank=True)
    advice = models.TextField(blank=True)
    flags = models.JSONField(default=list)
    measurements = models.JSONField(default=dict)
    host = models.JSONField(default=dict)
    predictions = models.CharField(max_length=200, blank=True, help_text="Name in storage of the kept label maps.")
    log = models.TextField(blank=True)
    fault = models.TextField(blank=True, help_text="What failed on our side; for operators, never shown to the team.")

    class Meta:
        ordering = ("number",)
        constraints = (
            models.CheckConstraint(
                condition=Q(state="done", done_at__isnull=False) & ~Q(verdict="")
                | ~Q(state="done") & Q(done_at__isnull=True, verdict=""),
                name="done_has_verdict",
            ),
            models.UniqueConstraint(fields=("submission", "number"), name="attempt_number_unique"),
            models.UniqueConstraint(
                fields=("submission",), condition=~Q(state="done"), name="one_live_attempt_per_submission"
            ),
        )
        indexes = (models.Index(fields=("id",), condition=~Q(predictions=""), name="attempts_with_label_maps"),)

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.submission}"

    @property
    def limits(self) -> Limits:
        """The limits this attempt ran under."""
        return Limits.from_dict(self.limits_data)


class Transition(models.Model):
    """History: every change of a submission's state, by whom and why."""

    submission = models.ForeignKey(Submission, on_delete=models.CASCADE, related_name="transitions")
    before = models.CharField(max_length=12, choices=State.choices)
    after = models.CharField(max_length=12, choices=State.choices)
    actor = models.CharField(max_length=150, help_text="A user name, `worker NAME` or `reaper`.")
    reason = models.CharField(max_length=300)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.before} → {self.after}: {self.reason}"


class AttemptTransition(models.Model):
    """History: every state an attempt entered. The first has nothing before it."""

    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="transitions")
    before = models.CharField(max_length=10, choices=AttemptState.choices, blank=True)
    after = models.CharField(max_length=10, choices=AttemptState.choices)
    actor = models.CharField(max_length=150, help_text="`worker NAME`, `reaper` or a user name.")
    reason = models.CharField(max_length=300)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.before} → {self.after}: {self.reason}"
