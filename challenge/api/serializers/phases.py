"""Challenges' phases: dates, limits, and what of the quota is left."""

from __future__ import annotations

import dataclasses
from typing import Any

from rest_framework import serializers

from challenge.api.serializers.fields import MOST_NUMBER, ClientFields, PageQuery
from challenge.models import Kind, Phase
from challenge.organizing.reruns import MOST as MOST_RERUN
from challenge.quotas import Quota
from sandbox import Limits, field_info


def _limit_field(field: dataclasses.Field[Any], **given: Any) -> serializers.Field[Any, Any, Any, Any]:
    info = field_info(field.name)
    given["help_text"] = " ".join(part for part in (f"{info.label} ({info.unit}).", info.help) if part)
    if info.unit == "name":
        return serializers.ChoiceField(choices=["runc", "runsc"], **given)
    if field.type == "float":
        return serializers.FloatField(min_value=info.minimum, max_value=info.maximum, **given)
    return serializers.IntegerField(min_value=int(info.minimum), max_value=int(info.maximum), **given)


def _of_limits(name: str, doc: str, base: type[serializers.Serializer[Any]], **given: Any) -> Any:
    """A serializer with a field for each of `Limits`: none can be forgotten."""
    fields = {field.name: _limit_field(field, **given) for field in dataclasses.fields(Limits)}
    return type(name, (base,), {"__doc__": doc, "__module__": __name__, **fields})


LimitsOut = _of_limits("LimitsOut", "Ceilings of one run; bytes, seconds, numbers.", serializers.Serializer)

LimitsIn = _of_limits("LimitsIn", "Those to change; the others stay.", ClientFields, required=False)


class PhaseOut(serializers.ModelSerializer[Phase]):
    """A phase with its dates, limits and quotas."""

    challenge = serializers.SlugField(source="challenge.slug")
    dataset = serializers.CharField(source="dataset.name")
    images = serializers.IntegerField(source="dataset.images")
    is_open = serializers.BooleanField(help_text="Between its dates.")
    kinds = serializers.ListField(
        child=serializers.ChoiceField(choices=Kind.choices), help_text="Kinds of submission it takes."
    )
    limits = LimitsOut(help_text="Of runs that begin now; each attempt keeps those it ran under.")

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
            "public_share",
            "freezes",
            "revealed_at",
            "kinds",
            "limits",
            "quota_per_day",
            "quota_total",
            "quota_at_once",
        )
        read_only_fields = fields


class PhaseQuery(PageQuery):
    """Which phases."""

    challenge = serializers.SlugField(required=False, max_length=50, help_text="Only of this challenge.")
    open = serializers.BooleanField(required=False, default=None, allow_null=True, help_text="Only open, or only not.")


class QuotaOut(serializers.Serializer[Quota]):
    """What your team has used in a phase, and what it may."""

    day_used = serializers.IntegerField(help_text="Since 00:00 UTC.")
    day_limit = serializers.IntegerField()
    total_used = serializers.IntegerField()
    total_limit = serializers.IntegerField()
    at_once_used = serializers.IntegerField(help_text="Waiting or running now.")
    at_once_limit = serializers.IntegerField()
    refusal = serializers.CharField(help_text="Why you can't submit now; empty if you can.")


class RerunIn(ClientFields):
    """What runs again."""

    reason = serializers.CharField(max_length=300, help_text="Kept in the audit trail.")
    submissions = serializers.ListField(
        child=serializers.UUIDField(),
        required=False,
        allow_empty=False,
        max_length=MOST_RERUN,
        help_text="Ids; left out: all of the phase that have ended.",
    )


class RerunOut(serializers.Serializer[Any]):
    """A re-run under way, or the last one."""

    why = serializers.CharField()
    which = serializers.CharField()
    created = serializers.DateTimeField()
    done = serializers.IntegerField()
    total = serializers.IntegerField()
    is_under_way = serializers.BooleanField()


PhaseId = serializers.IntegerField(min_value=1, max_value=MOST_NUMBER, help_text="Id of the phase.")
