"""What the public may read of a submission: drawn from the same context as its page."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from challenge.api.serializers.phases import LimitsOut
from challenge.api.serializers.submissions import ScoreOut
from challenge.models import Standing


class StandsOut(serializers.Serializer[Any]):
    """A board that it is on."""

    standing = serializers.ChoiceField(choices=Standing.choices)
    rank = serializers.IntegerField(allow_null=True, help_text="On the board that counts now; null for the others.")


class FullScoreOut(ScoreOut):
    """With all that the score was made of."""

    confusion = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField()),
        help_text="Pixels: 8 rows of truth, 8 columns of prediction; the last of each is no class.",
    )

    class Meta(ScoreOut.Meta):
        fields: Any = (*ScoreOut.Meta.fields, "confusion")
        read_only_fields: Any = fields


class ReportOut(serializers.Serializer[Any]):
    """Score, limits, host, and what the team says of its submission."""

    id = serializers.UUIDField(source="submission.pk")
    challenge = serializers.SlugField(source="challenge.slug")
    phase = serializers.IntegerField(source="phase.pk")
    team = serializers.CharField(source="submission.team.name")
    team_slug = serializers.SlugField(source="submission.team.slug")
    title = serializers.CharField(source="submission.title")
    kind = serializers.CharField(source="submission.kind")
    submitted = serializers.DateTimeField(source="submission.created")
    method = serializers.CharField(source="submission.method")
    link = serializers.CharField(source="submission.link")
    parameters = serializers.IntegerField(source="submission.parameters", allow_null=True)
    gmac = serializers.FloatField(source="submission.gmac", allow_null=True)
    standings = StandsOut(many=True)
    score = FullScoreOut(help_text="Over the public images.")
    limits = LimitsOut(source="attempt.limits", help_text="Those it ran under.")
    ran_under_other_limits = serializers.BooleanField(source="other_limits")
    host = serializers.SerializerMethodField()

    def get_host(self, shown: dict[str, Any]) -> dict[str, str]:
        """The machine, in words, by what is said of it."""
        return dict(shown["host"])
