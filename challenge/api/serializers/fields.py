"""Input: strict about what it is given. What is not named is refused by name, and JSON is taken at its word."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from challenge.api.base import MOST_PAGES, MOST_PER_PAGE, PAGE_SIZE

MOST_NUMBER = 2**31 - 1
"""Of an id that is looked up at all."""


class ClientFields(serializers.Serializer[Any]):
    """Input. Anything that is not named is refused by name."""

    def to_internal_value(self, data: Any) -> Any:
        """As always; but a number in JSON is a number, and not the text of one.

        Raises:
            ValidationError: of the first mistakes that are found.
        """
        if type(data) is dict:  # Of JSON. Forms and addresses know nothing but text.
            wrong = {name: _why_not(field, data[name]) for name, field in self.fields.items() if name in data}
            if found := {name: [why] for name, why in wrong.items() if why}:
                raise serializers.ValidationError(found)
        return super().to_internal_value(data)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuses fields that are not the client's: state, score, verdict, team and whatever else."""
        unknown = sorted(set(self.initial_data) - set(self.fields))
        if unknown:
            raise serializers.ValidationError({name: ["This field can't be set."] for name in unknown})
        return attrs


def _why_not(field: serializers.Field[Any, Any, Any, Any], value: Any) -> str:
    """Why a value of JSON is of the wrong sort; empty if it is not."""
    if value is None:
        return ""  # Whether it may be is for the field to say.
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(field, serializers.IntegerField) and not (is_number and value == int(value)):
        return "A whole number is wanted."
    if isinstance(field, serializers.FloatField) and not is_number:
        return "A number is wanted."
    if isinstance(field, serializers.BooleanField) and not isinstance(value, bool):
        return "true or false is wanted."
    texts = (serializers.CharField, serializers.ChoiceField, serializers.DateTimeField)
    if isinstance(field, texts) and not isinstance(value, str):
        return "Text is wanted."
    return ""


class PageQuery(ClientFields):
    """Which part of a list."""

    page = serializers.IntegerField(required=False, min_value=1, max_value=MOST_PAGES, default=1, help_text="From 1.")
    page_size = serializers.IntegerField(required=False, min_value=1, max_value=MOST_PER_PAGE, default=PAGE_SIZE)


class ReasonIn(ClientFields):
    """Why, in a sentence."""

    reason = serializers.CharField(
        max_length=300, help_text="One sentence, kept in the audit trail.", trim_whitespace=True
    )
