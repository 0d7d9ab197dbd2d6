"""What is remembered. Plain records: no logic that spans two models (see submissions.py and leaderboard.py).

One submission goes through one or more attempts; a done attempt never changes. `Submission.fence` is what a worker
shows with every write: the database takes the write only while the worker still holds the submission.
"""

from __future__ import annotations

import secrets
import uuid

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from sandbox import PROFILES, Code, Limits


def default_limits() -> dict[str, int | float | str]:
    """Limits of a new phase: the Raspberry Pi profile on one core, which every host can give."""
    return PROFILES["raspberry-pi-3b"].on(host_cpus=1).as_dict()


class Dataset(models.Model):
    """A checked data set split on the platform's disk. Labels stay there: no submission ever sees them."""

    name = models.SlugField(unique=True)
    path = models.CharField(max_length=500, help_text="Directory that holds leftImg8bit/ and gtFine/.")
    split = models.CharField(max_length=50, default="val")
    images = models.PositiveIntegerField()
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 over all images and labels.")
    is_drawn = models.BooleanField(default=False, help_text="Drawn scenes (python -m evaluator sample).")
    created = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.name} ({self.split}, {self.images} images)"


class Challenge(models.Model):
    """A competition with one or more phases."""

    slug = models.SlugField(unique=True)
    title = models.CharField(max_length=120)
    summary = models.CharField(max_length=300, blank=True)
    description = models.TextField(blank=True, help_text="Markdown.")
    data_notes = models.TextField(blank=True, help_text="Markdown: the data, its licence and terms.")
    organizers = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="organized_challenges", blank=True)
    is_public = models.BooleanField(default=False)
    created = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.title


class Contract(models.TextChoices):
    STREAM = "stream", "stream: one image at a time on stdin"
    BATCH = "batch", "batch: files in /input, label maps in /output"


DEFAULT_QUEUE = "default"


class Phase(models.Model):
    """One round of a challenge: a data set, limits, dates and quotas of its own."""

    challenge = models.ForeignKey(Challenge, on_delete=models.CASCADE, related_name="phases")
    slug = models.SlugField()
    title = models.CharField(max_length=120)
    position = models.PositiveSmallIntegerField(default=0)
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="phases")
    opens = models.DateTimeField()
    closes = models.DateTimeField()
    contract = models.CharField(max_length=10, choices=Contract.choices, default=Contract.STREAM)
    limits_data = models.JSONField(default=default_limits)
    hidden_data = models.BooleanField(
        default=False, help_text="Withhold logs and per-image detail: the data of this phase is secret."
    )
    quota_per_day = models.PositiveIntegerField(default=5, validators=[MinValueValidator(1)])
    quota_total = models.PositiveIntegerField(default=100, validators=[MinValueValidator(1)])
    quota_at_once = models.PositiveIntegerField(default=2, validators=[MinValueValidator(1)])
    queue = models.CharField(
        max_length=30,
        default=DEFAULT_QUEUE,
        validators=[RegexValidator(r"^[a-z0-9][a-z0-9-]*$", "Small letters, digits and hyphens.")],
        help_text="Evaluated by the hosts whose workers name this queue in PARAKH_QUEUES.",
    )

    class Meta:
        ordering = ("position", "id")
        constraints = (
            models.UniqueConstraint(fields=("challenge", "slug"), name="phase_slug_unique"),
            models.CheckConstraint(condition=Q(closes__gt=models.F("opens")), name="phase_closes_after_opens"),
        )

    def __str__(self) -> str:
        return f"{self.challenge}: {self.title}"

    def clean(self) -> None:
        """Raises ValidationError for limits that can't be read: they would stop the phase's submissions."""
        try:
            Limits.from_dict(self.limits_data)
        except (TypeError, ValueError) as error:
            raise ValidationError({"limits_data": str(error)}) from None

    @property
    def limits(self) -> Limits:
        """The phase's limits now. Attempts keep their own snapshot."""
        return Limits.from_dict(self.limits_data)

    @property
    def is_open(self) -> bool:
        """True between the dates."""
        return self.opens <= timezone.now() < self.closes


class Team(models.Model):
    """A team in one challenge; a person alone is a team of one."""

    challenge = models.ForeignKey(Challenge, on_delete=models.CASCADE, related_name="teams")
    name = models.CharField(max_length=60)
    slug = models.SlugField(
        max_length=60, validators=[RegexValidator(r"^[a-z0-9][a-z0-9-]*$", "Small letters, digits and hyphens.")]
    )
    is_baseline = models.BooleanField(default=False)
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("challenge", "slug"), name="team_slug_unique"),
            models.UniqueConstraint(fields=("challenge", "name"), name="team_name_unique"),
        )

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """Who is in which team: one team a person in each challenge."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    challenge = models.ForeignKey(Challenge, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    joined = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("challenge", "user"), name="one_team_per_challenge"),)

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"


class Kind(models.TextChoices):
    CODE = "code", "Code: a zip with predict.py"
    IMAGE = "image", "Image: a docker save tar"


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
            models.CheckConstraint(condition=~Q(state="finished") | Q(score__isnull=False), name="finished_has_score"),
        )
        indexes = (
            models.Index(
                fields=("turn", "queued_at", "id"),
                condition=Q(state="queued", held_at__isnull=True),
                name="submission_queue",
            ),
            models.Index(
                fields=("phase", "turn", "queued_at", "id"),
                condition=Q(state="queued", held_at__isnull=True),
                name="submission_phase_queue",
            ),
            models.Index(fields=("lease_until",), condition=Q(state="evaluating"), name="submission_leases"),
            models.Index(fields=("state", "created"), name="submission_state"),
            models.Index(fields=("team", "phase", "-created"), name="submission_of_team"),
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

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.submission}"

    @property
    def limits(self) -> Limits:
        """The limits this attempt ran under."""
        return Limits.from_dict(self.limits_data)


class Score(models.Model):
    """The score of one finished attempt. Written once, in the transaction that publishes it."""

    attempt = models.OneToOneField(Attempt, on_delete=models.CASCADE, related_name="score")
    miou = models.FloatField(help_text="Fraction of 1, over seven classes.")
    pixel_accuracy = models.FloatField()
    mean_pixel_accuracy = models.FloatField()
    iou = models.JSONField(help_text="By class name.")
    confusion = models.JSONField(help_text="8 x 8 counts, rows truth, columns prediction.")
    latency_median_seconds = models.FloatField(null=True)
    latency_p90_seconds = models.FloatField(null=True)
    cpu_seconds = models.FloatField(null=True)
    memory_peak_bytes = models.PositiveBigIntegerField(null=True)
    created = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{100 * self.miou:.2f} % ({self.attempt})"


class BoardRow(models.Model):
    """A team's best submission in a phase: what the board reads, kept by the publishing transaction."""

    phase = models.ForeignKey(Phase, on_delete=models.CASCADE, related_name="board_rows")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="board_rows")
    submission = models.ForeignKey(Submission, on_delete=models.CASCADE, related_name="board_rows")
    score = models.ForeignKey(Score, on_delete=models.CASCADE, related_name="board_rows")
    miou = models.FloatField()
    achieved = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("phase", "team"), name="one_board_row_per_team"),)
        indexes = (models.Index(fields=("phase", "-miou", "achieved", "id"), name="board_order"),)

    def __str__(self) -> str:
        return f"{self.team}: {100 * self.miou:.2f} %"


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
