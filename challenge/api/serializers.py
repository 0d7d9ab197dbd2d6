"""What the API shows and takes. Input has serializers of its own, with nothing in them that is not the client's."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from challenge import lineup, permissions, submissions
from challenge.leaderboard import Row
from challenge.models import Attempt, Kind, Phase, Score, Submission
from challenge.results import PER_IMAGE


class PhaseOut(serializers.ModelSerializer[Phase]):
    """A phase with its dates, limits and quotas."""

    challenge = serializers.SlugField(source="challenge.slug")
    dataset = serializers.CharField(source="dataset.name")
    images = serializers.IntegerField(source="dataset.images")
    limits = serializers.DictField(source="limits_data")

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


class SubmissionIn(serializers.Serializer[Any]):
    """What a client may say about a new submission. Anything else is refused by name."""

    phase = serializers.IntegerField(help_text="Id of the phase.")
    kind = serializers.ChoiceField(choices=Kind.choices)
    base = serializers.CharField(
        max_length=30, required=False, default="", help_text="Base image of a code submission."
    )
    title = serializers.CharField(max_length=100, required=False, default="", allow_blank=True)
    file = serializers.FileField(allow_empty_file=True, max_length=200)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuses fields that are not the client's: state, score, verdict, team and whatever else."""
        unknown = sorted(set(self.initial_data) - set(self.fields))
        if unknown:
            raise serializers.ValidationError(dict.fromkeys(unknown, "This field can't be set."))
        return attrs
