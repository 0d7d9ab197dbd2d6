"""Narrowing a list of submissions; a wrong value in an address narrows nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import QuerySet

from challenge.models import Challenge, State, Submission

STATES: dict[str, tuple[str, tuple[State, ...]]] = {
    "waiting": ("Not done yet", (State.UPLOADING, State.QUEUED, State.EVALUATING)),
    "finished": ("With a score", (State.FINISHED,)),
    "failed": ("Failed", (State.FAILED,)),
    "cancelled": ("Cancelled", (State.CANCELLED,)),
}


class FilterForm(forms.Form):
    """By challenge and by how far a submission is."""

    challenge = forms.ChoiceField(required=False)
    state = forms.ChoiceField(
        required=False, choices=[("", "All"), *((key, label) for key, (label, _) in STATES.items())]
    )

    def __init__(self, *args: Any, challenges: Sequence[Challenge], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["challenge"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "All"), *((challenge.slug, challenge.title) for challenge in challenges)]

    @property
    def is_narrowed(self) -> bool:
        """Something is left out."""
        return bool(self._chosen("challenge") or self._chosen("state"))

    def narrowed(self, found: QuerySet[Submission]) -> QuerySet[Submission]:
        """What is asked for of a list."""
        if challenge := self._chosen("challenge"):
            found = found.filter(phase__challenge__slug=challenge)
        if state := self._chosen("state"):
            found = found.filter(state__in=STATES[state][1])
        return found

    def _chosen(self, name: str) -> str:
        self.is_valid()
        return str(self.cleaned_data.get(name, ""))
