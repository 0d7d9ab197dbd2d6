"""Submissions, their attempts and scores; what a client may say of one."""

from __future__ import annotations

from typing import Any, cast

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from challenge import forecast, lineup, permissions
from challenge.admission import MOST_GMAC, MOST_PARAMETERS
from challenge.api.serializers.fields import MOST_NUMBER, ClientFields, PageQuery
from challenge.api.serializers.phases import LimitsOut
from challenge.models import Attempt, Kind, Score, State, Submission
from challenge.results import PER_IMAGE


class ScoreOut(serializers.ModelSerializer[Score]):
    """Fractions of 1; seconds; bytes."""

    iou = serializers.DictField(child=serializers.FloatField(allow_null=True))

    class Meta:
        model = Score
        fields = (
            "miou",
            "miou_low",
            "miou_high",
            "iou",
            "pixel_accuracy",
            "mean_pixel_accuracy",
            "latency_median_seconds",
            "latency_p90_seconds",
            "cpu_seconds",
            "memory_peak_bytes",
        )
        read_only_fields = fields


class AttemptOut(serializers.ModelSerializer[Attempt]):
    """One try. Progress and log are empty where the phase's data is hidden."""

    limits = LimitsOut(help_text="Those it ran under.")
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
            "limits",
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


class SubmissionBrief(serializers.ModelSerializer[Submission]):
    """A line of a list; `/submissions/ID/` has the rest."""

    challenge = serializers.SlugField(source="phase.challenge.slug")
    phase = serializers.IntegerField(source="phase_id")
    team = serializers.CharField(source="team.name")
    verdict = serializers.CharField(
        source="latest_verdict", allow_null=True, help_text="Of the last attempt that ended."
    )
    miou = serializers.FloatField(source="score.miou", allow_null=True, default=None, help_text="Fraction of 1.")

    class Meta:
        model = Submission
        fields = (
            "id",
            "challenge",
            "phase",
            "team",
            "kind",
            "title",
            "state",
            "created",
            "finished_at",
            "is_chosen",
            "disqualified_why",
            "verdict",
            "miou",
        )
        read_only_fields = fields


class SubmissionOut(serializers.ModelSerializer[Submission]):
    """A submission as its team sees it."""

    team = serializers.CharField(source="team.name")
    queue_position = serializers.SerializerMethodField()
    waits_for = serializers.SerializerMethodField()
    starts_in = serializers.SerializerMethodField()
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
            "is_chosen",
            "disqualified_why",
            "queue_position",
            "waits_for",
            "starts_in",
            "note",
            "attempt",
            "score",
        )
        read_only_fields = fields

    def get_queue_position(self, submission: Submission) -> int | None:
        """1 for the next; null unless it waits."""
        return self._place(submission).position

    def get_waits_for(self, submission: Submission) -> str:
        """Why it waits, if for something else than its turn: for a host that can take it, or for the operators."""
        return self._place(submission).why

    def get_starts_in(self, submission: Submission) -> str:
        """When it may begin, in round words; empty where it can't be told."""
        place = self._place(submission)
        return forecast.of_submission(submission, place) if place.position else ""

    def _place(self, submission: Submission) -> lineup.Place:
        places: dict[Any, lineup.Place] = cast(dict[str, Any], self.context).setdefault("places", {})
        if submission.pk not in places:
            places[submission.pk] = lineup.place(submission)
        return places[submission.pk]

    @extend_schema_field(AttemptOut(allow_null=True))
    def get_attempt(self, submission: Submission) -> dict[str, Any] | None:
        """The attempt under way, or the last one."""
        attempt = submission.attempts.order_by("-number").first()
        if attempt is None:
            return None
        attempt.submission = submission
        return dict(AttemptOut(attempt, context=self.context).data)


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


class DescriptionIn(DescriptionFields):
    """What of it is to be said anew; what is left out stays."""

    @property
    def about(self) -> dict[str, Any]:
        """What was sent, as the services take it."""
        return {name: value for name, value in self.validated_data.items() if name in self.initial_data}


class SubmissionIn(DescriptionFields):
    """What a client may say about a new submission."""

    phase = serializers.IntegerField(min_value=1, max_value=MOST_NUMBER, help_text="Id of the phase.")
    kind = serializers.ChoiceField(choices=Kind.choices)
    base = serializers.CharField(
        max_length=30,
        required=False,
        default="",
        allow_blank=True,
        help_text="Base image of a code submission; empty: the first that is offered.",
    )
    file = serializers.FileField(allow_empty_file=True, max_length=200)


class SubmissionQuery(PageQuery):
    """Which submissions."""

    challenge = serializers.SlugField(required=False, max_length=50, help_text="Its slug.")
    phase = serializers.IntegerField(required=False, min_value=1, max_value=MOST_NUMBER, help_text="Its id.")
    state = serializers.ChoiceField(choices=State.choices, required=False)
    kind = serializers.ChoiceField(choices=Kind.choices, required=False)
    team = serializers.SlugField(required=False, max_length=60, help_text="Its slug.")
    disqualified = serializers.BooleanField(required=False, default=None, allow_null=True)
