"""Challenges with their pages and phases, and the data they are scored on."""

from __future__ import annotations

import secrets
import zoneinfo
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from sandbox import PROFILES, Limits


def default_limits() -> dict[str, int | float | str]:
    """Limits of a new phase: the Raspberry Pi profile on one core, which every host can give."""
    return PROFILES["raspberry-pi-3b"].on(host_cpus=1).as_dict()


def default_kinds() -> list[str]:
    """What a new phase takes: everything that runs."""
    return ["code", "image"]


def draw_seed() -> int:
    """A secret number nobody can guess."""
    return secrets.randbelow(2**63)


class Dataset(models.Model):
    """A checked data set split on the platform's disk. Labels stay there: no submission ever sees them."""

    name = models.SlugField(unique=True)
    path = models.CharField(max_length=500, help_text="Directory that holds leftImg8bit/ and gtFine/.")
    split = models.CharField(max_length=50, default="val")
    images = models.PositiveIntegerField()
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 over all images and labels.")
    presence = models.BinaryField(
        null=True, help_text="A byte an image, in the data set's order: bit n is set where class n occurs."
    )
    is_drawn = models.BooleanField(default=False, help_text="Drawn scenes (python -m evaluator sample).")
    is_open = models.BooleanField(
        default=False, help_text="Its images and labels may be shown to everybody, with a model's answers beside them."
    )
    # A challenge on somebody's secret images could have them read out: staff say which ones may use them.
    granted: models.ManyToManyField[Challenge, Any] = models.ManyToManyField(
        "Challenge", related_name="granted_datasets", blank=True, help_text="May use it. Open and drawn ones: any may."
    )
    created = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.name} ({self.split}, {self.images} images)"


class Stage(models.TextChoices):
    """How far a challenge is on its way to the public."""

    DRAFT = "draft", "Draft"
    REVIEW = "review", "Waits for review"
    LIVE = "live", "Live"


class Challenge(models.Model):
    """A competition with one or more phases."""

    slug = models.SlugField(unique=True)
    title = models.CharField(max_length=120)
    summary = models.CharField(max_length=300, blank=True)
    description = models.TextField(blank=True, help_text="Markdown.")
    data_notes = models.TextField(blank=True, help_text="Markdown: the data, its licence and terms.")
    organizers = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="organized_challenges", blank=True)
    licence = models.CharField(max_length=120, blank=True, help_text="Of the data, in a few words.")
    licence_url = models.URLField(blank=True)
    time_zone = models.CharField(max_length=60, default="UTC", help_text="In which its organizers write dates.")
    largest_team = models.PositiveSmallIntegerField(default=5, validators=[MinValueValidator(1)])
    teams_close = models.DateTimeField(
        null=True, blank=True, help_text="From then on nobody joins, leaves or merges teams. Empty: at any time."
    )
    stage = models.CharField(max_length=10, choices=Stage.choices, default=Stage.DRAFT)
    review_note = models.TextField(blank=True, help_text="What staff answered when they sent it back.")
    review_asked_at = models.DateTimeField(null=True, blank=True, help_text="Since then it waits for review.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="created_challenges"
    )
    created = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.title

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """The time zone its organizers write dates in; UTC where the name is none (any more)."""
        try:
            return zoneinfo.ZoneInfo(self.time_zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            return zoneinfo.ZoneInfo("UTC")

    @property
    def is_public(self) -> bool:
        """True once staff have let it go live."""
        return self.stage == Stage.LIVE


class Page(models.Model):
    """A page of a challenge, in Markdown, beside its description."""

    challenge = models.ForeignKey(Challenge, on_delete=models.CASCADE, related_name="pages")
    slug = models.SlugField(max_length=60)
    title = models.CharField(max_length=80)
    body = models.TextField(blank=True, help_text="Markdown.")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ("position", "id")
        constraints = (models.UniqueConstraint(fields=("challenge", "slug"), name="page_slug_unique"),)

    def __str__(self) -> str:
        return self.title


def picture_path(picture: Picture, filename: str) -> str:
    """Where a picture is kept: never under a name from outside."""
    return f"pictures/{picture.challenge_id}/{secrets.token_hex(8)}"


class Picture(models.Model):
    """A picture that a challenge's pages show. Decoded and written anew by us: no byte of an upload is served."""

    challenge = models.ForeignKey(Challenge, on_delete=models.CASCADE, related_name="pictures")
    name = models.SlugField(max_length=60, help_text="As pages name it.")
    file = models.FileField(upload_to=picture_path, max_length=200)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    bytes = models.PositiveIntegerField()
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=("challenge", "name"), name="picture_name_unique"),)

    def __str__(self) -> str:
        return self.name


class Announcement(models.Model):
    """News from the organizers of a challenge."""

    challenge = models.ForeignKey(Challenge, on_delete=models.CASCADE, related_name="announcements")
    title = models.CharField(max_length=120)
    body = models.TextField(blank=True, help_text="Markdown.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    edited_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True, help_text="Since then only organizers see it.")
    # Mails are written in portions: to members of teams up to this user they have been.
    mail_after = models.BigIntegerField(null=True, blank=True, help_text="Null: nobody is to be mailed any more.")
    mailed = models.PositiveIntegerField(default=0, help_text="How many mails were written.")

    class Meta:
        ordering = ("-at", "-id")
        indexes = (
            models.Index(fields=("id",), condition=models.Q(mail_after__isnull=False), name="announcements_to_mail"),
        )

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
    kinds = models.JSONField(default=default_kinds, help_text="Kinds of submission it takes: values of Kind.")
    keep_predictions = models.BooleanField(
        default=True, help_text="Keep the label maps of each team's submissions on the board, for exports and pictures."
    )
    columns = models.JSONField(default=list, blank=True, help_text="Columns of its board, by name. Empty: all.")
    # A private part of the images: the public score is over `public_share` percent of them until the reveal.
    public_share = models.PositiveSmallIntegerField(
        default=100,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text="Percent of the images whose score is shown before the reveal.",
    )
    split_seed = models.BigIntegerField(default=draw_seed, help_text="Which images are public; secret.")
    freezes = models.DateTimeField(
        null=True, blank=True, help_text="From then until the reveal the board stays as it was."
    )
    revealed_at = models.DateTimeField(null=True, blank=True, help_text="Since then the final standing is public.")
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

    @property
    def has_split(self) -> bool:
        """True if some of its images are private until the reveal."""
        return self.public_share < 100

    @property
    def is_frozen(self) -> bool:
        """True while the public board stays as it was when it froze."""
        return self.freezes is not None and self.freezes <= timezone.now() and self.revealed_at is None
