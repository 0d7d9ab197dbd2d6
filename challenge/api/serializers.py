"""What the API shows and takes. Input has serializers of its own, with nothing in them that is not the client's."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field, inline_serializer
from rest_framework import serializers

from challenge import lineup, permissions, submissions, uploads
from challenge.admission import MOST_GMAC, MOST_PARAMETERS
from challenge.leaderboard import Row
from challenge.models import Attempt, Kind, Phase, Score, Submission
from challenge.results import PER_IMAGE

MOST_BYTES = 2**40
"""Of a number of bytes that is read at all. How many a phase takes is for its limits to say."""


class PhaseOut(serializers.ModelSerializer[Phase]):
    """A phase with its dates, limits and quotas."""

    challenge = serializers.SlugField(source="challenge.slug")
    dataset = serializers.CharField(source="dataset.name")
    images = serializers.IntegerField(source="dataset.images")
    limits = serializers.DictField(source="limits_data")
    kinds = serializers.ListField(child=serializers.CharField(), help_text="Kinds of submission it takes.")

    class Meta:
        model = Phase
        fields = (
            "id",
            "challenge",
            "slug",
            "title",
            "dataset",
            "images",
            "opens",
            "closes",
            "is_open",
            "contract",
            "hidden_data",
            "kinds",
            "limits",
            "quota_per_day",
            "quota_total",
            "quota_at_once",
        )
        read_only_fields = fields


class ScoreOut(serializers.ModelSerializer[Score]):
    """Fractions of 1; seconds; bytes."""

    iou = serializers.DictField(child=serializers.FloatField(allow_null=True))

    class Meta:
        model = Score
        fields = (
            "miou",
            "iou",
            "pixel_accuracy",
            "mean_pixel_accuracy",
            "latency_median_seconds",
            "latency_p90_seconds",
            "cpu_seconds",
            "memory_peak_bytes",
        )
        read_only_fields = fields


class BoardRowOut(serializers.Serializer[Row]):
    """One line of the board."""

    rank = serializers.IntegerField()
    team = serializers.CharField(source="team.name")
    is_baseline = serializers.BooleanField()
    title = serializers.CharField(source="submission.title")
    submitted = serializers.DateTimeField(source="submission.created")
    score = ScoreOut()


class AttemptOut(serializers.ModelSerializer[Attempt]):
    """One try. Progress and log are empty where the phase's data is hidden."""

    images_done = serializers.SerializerMethodField()
    log = serializers.SerializerMethodField()
    measurements = serializers.SerializerMethodField()

    class Meta:
        model = Attempt
        fields = (
            "number",
            "state",
            "claimed_at",
            "done_at",
            "images_done",
            "images_total",
            "verdict",
            "sentence",
            "advice",
            "flags",
            "measurements",
            "log",
        )
        read_only_fields = fields

    def _shows_detail(self, attempt: Attempt) -> bool:
        return permissions.can_see_log(self.context["request"].user, attempt.submission)

    def get_images_done(self, attempt: Attempt) -> int | None:
        """Images answered so far; null where it is withheld."""
        return attempt.images_done if self._shows_detail(attempt) else None

    def get_log(self, attempt: Attempt) -> str:
        """What the container wrote to stderr; empty where it is withheld."""
        return attempt.log if self._shows_detail(attempt) else ""

    @extend_schema_field(serializers.DictField())
    def get_measurements(self, attempt: Attempt) -> dict[str, Any]:
        """Seconds and bytes; without each image's latency where that is withheld."""
        measurements: dict[str, Any] = dict(attempt.measurements)
        if not self._shows_detail(attempt):
            for detail in PER_IMAGE:
                measurements.pop(detail, None)
        return measurements


class SubmissionOut(serializers.ModelSerializer[Submission]):
    """A submission as its team sees it."""

    team = serializers.CharField(source="team.name")
    queue_position = serializers.SerializerMethodField()
    waits_for = serializers.SerializerMethodField()
    attempt = serializers.SerializerMethodField()
    score = ScoreOut(allow_null=True)

    class Meta:
        model = Submission
        fields = (
            "id",
            "phase",
            "team",
            "kind",
            "base",
            "title",
            "method",
            "link",
            "parameters",
            "gmac",
            "file_name",
            "file_bytes",
            "file_sha256",
            "state",
            "created",
            "queued_at",
            "finished_at",
            "cancel_requested",
            "queue_position",
            "waits_for",
            "note",
            "attempt",
            "score",
        )
        read_only_fields = fields

    def get_queue_position(self, submission: Submission) -> int | None:
        """1 for the next; null unless it waits."""
        return lineup.place(submission).position

    def get_waits_for(self, submission: Submission) -> str:
        """Why it waits, if for something else than its turn: for a host that can take it, or for the operators."""
        return lineup.place(submission).why

    @extend_schema_field(AttemptOut(allow_null=True))
    def get_attempt(self, submission: Submission) -> dict[str, Any] | None:
        """The attempt under way, or the last one."""
        attempt = submissions.newest_attempt(submission)
        if attempt is None:
            return None
        attempt.submission = submission
        return dict(AttemptOut(attempt, context=self.context).data)


class ClientFields(serializers.Serializer[Any]):
    """Input. Anything that is not named is refused by name."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuses fields that are not the client's: state, score, verdict, team and whatever else."""
        unknown = sorted(set(self.initial_data) - set(self.fields))
        if unknown:
            raise serializers.ValidationError(dict.fromkeys(unknown, "This field can't be set."))
        return attrs


class DescriptionFields(ClientFields):
    """What a team says of a submission: shown, never measured."""

    title = serializers.CharField(max_length=100, required=False, default="", allow_blank=True)
    method = serializers.CharField(
        max_length=1000, required=False, default="", allow_blank=True, help_text="How it works, in a few sentences."
    )
    link = serializers.URLField(
        max_length=200, required=False, default="", allow_blank=True, help_text="Paper or code: http or https."
    )
    parameters = serializers.IntegerField(
        min_value=0, max_value=MOST_PARAMETERS, required=False, default=None, allow_null=True
    )
    gmac = serializers.FloatField(
        min_value=0,
        max_value=MOST_GMAC,
        required=False,
        default=None,
        allow_null=True,
        help_text="10^9 multiply-accumulates an image.",
    )

    @property
    def about(self) -> dict[str, Any]:
        """What was said, as the services take it."""
        return {name: self.validated_data[name] for name in ("title", "method", "link", "parameters", "gmac")}


class SubmissionIn(DescriptionFields):
    """What a client may say about a new submission."""

    phase = serializers.IntegerField(help_text="Id of the phase.")
    kind = serializers.ChoiceField(choices=Kind.choices)
    base = serializers.CharField(
        max_length=30, required=False, default="", help_text="Base image of a code submission."
    )
    file = serializers.FileField(allow_empty_file=True, max_length=200)


class UploadIn(DescriptionFields):
    """What a client may say about an upload that will come in pieces."""

    phase = serializers.IntegerField(help_text="Id of the phase.")
    kind = serializers.ChoiceField(choices=Kind.choices)
    base = serializers.CharField(
        max_length=30, required=False, default="", help_text="Base image of a code submission."
    )
    file_name = serializers.CharField(max_length=200, required=False, default="")
    size = serializers.IntegerField(min_value=0, max_value=MOST_BYTES, help_text="Bytes of the whole file.")
    sha256 = serializers.RegexField(
        "^[0-9a-fA-F]{64}$", required=False, default="", help_text="Of the whole file: nothing else is taken then."
    )

    def validate_sha256(self, value: str) -> str:
        """Small letters, as hashlib writes them."""
        return value.lower()


class UploadOut(serializers.ModelSerializer[Submission]):
    """How far an upload is. Once its state is `queued` it is an ordinary submission with this id."""

    offset = serializers.SerializerMethodField()
    size = serializers.IntegerField(source="file_bytes")
    beginning = serializers.SerializerMethodField()

    class Meta:
        model = Submission
        fields = ("id", "state", "phase", "kind", "title", "file_name", "offset", "size", "beginning")
        read_only_fields = fields

    def get_offset(self, submission: Submission) -> int:
        """Bytes that are here: go on from this one."""
        return uploads.offset(submission)

    @extend_schema_field(
        inline_serializer("Beginning", {"bytes": serializers.IntegerField(), "sha256": serializers.CharField()})
    )
    def get_beginning(self, submission: Submission) -> dict[str, Any]:
        """Checksum of its first bytes, at most 1 MiB: is a file that is chosen again the same?"""
        length, digest = uploads.beginning(submission)
        return {"bytes": length, "sha256": digest}
