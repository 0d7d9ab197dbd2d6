"""Boards: their lines, how the best score rose, and what may be asked for."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from challenge.api.serializers.fields import PageQuery
from challenge.leaderboard import SORTS, Row, Step
from challenge.models import Standing


class BoardQuery(PageQuery):
    """Which board, which rows of it, and in which order."""

    standing = serializers.ChoiceField(
        choices=Standing.choices,
        required=False,
        help_text="Left out: the one that counts now. `final` is there once it is public.",
    )
    sort = serializers.ChoiceField(
        choices=[(sort.name, sort.label) for sort in SORTS.values()], required=False, default="miou"
    )
    baselines = serializers.ChoiceField(choices=["yes", "no", "only"], required=False, default="yes")
    limits = serializers.ChoiceField(
        choices=["any", "current", "older"],
        required=False,
        default="any",
        help_text="Whichever they ran under, the phase's limits of today, or others.",
    )
    since = serializers.DateTimeField(required=False, default=None, help_text="Sent at this moment or later.")


class BoardRowOut(serializers.Serializer[Row]):
    """A line of a board. Fractions of 1, seconds, bytes; null where something was not measured."""

    rank = serializers.IntegerField()
    team = serializers.CharField(source="team.name")
    team_slug = serializers.CharField(source="team.slug")
    submission = serializers.UUIDField(source="submission.pk", help_text="Its report is at /reports/ID/.")
    title = serializers.CharField(source="submission.title")
    kind = serializers.CharField(source="submission.kind")
    is_baseline = serializers.BooleanField()
    submitted = serializers.DateTimeField(source="achieved")
    miou = serializers.FloatField()
    miou_low = serializers.FloatField(allow_null=True, help_text="95 % interval.")
    miou_high = serializers.FloatField(allow_null=True)
    iou = serializers.DictField(child=serializers.FloatField(allow_null=True), help_text="By class name.")
    latency = serializers.FloatField(allow_null=True, help_text="Median, in seconds.")
    memory = serializers.IntegerField(allow_null=True, help_text="Peak, in bytes.")
    cpu_seconds = serializers.FloatField(allow_null=True)
    size = serializers.IntegerField(allow_null=True, help_text="Of code or image, unpacked, in bytes.")
    parameters = serializers.IntegerField(allow_null=True)
    is_tied_with_above = serializers.BooleanField(help_text="The data can't tell it from the line above.")
    ran_under_other_limits = serializers.BooleanField(help_text="The limits have been changed since.")


class BoardOut(serializers.Serializer[Any]):
    """A page of a board."""

    count = serializers.IntegerField(help_text="Lines that were asked for, on all pages.")
    page = serializers.IntegerField()
    pages = serializers.IntegerField()
    standing = serializers.ChoiceField(choices=Standing.choices)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = BoardRowOut(many=True)


class StepOut(serializers.Serializer[Step]):
    """A score that was the best of its phase when it was sent."""

    achieved = serializers.DateTimeField()
    miou = serializers.FloatField()
    team = serializers.CharField(source="team.name")
    submission = serializers.UUIDField(source="submission.pk")
