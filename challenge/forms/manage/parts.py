"""What forms of organizers share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.db.models import Model

from challenge.organizing import acts


class EditForm(forms.Form):
    """A form that shows a record and changes it.

    It carries the fingerprint of what it showed, so that two people who edit the same thing don't undo each other's
    work. After `refuse` it says what was wrong where it was; of a record that somebody else has changed, what is saved
    now stands beside each field, and the next save overwrites it.
    """

    seen = forms.CharField(widget=forms.HiddenInput, required=False, max_length=40)

    record_fields: tuple[str, ...] = ()
    seen_fields: tuple[str, ...] = ()

    def __init__(self, posted: Mapping[str, Any] | None = None, *, record: Model, **given: Any) -> None:
        self.record = record
        values = acts.values_of(record, self.record_fields)
        self.shown = acts.values_of(record, self.seen_fields or self.record_fields)
        super().__init__(posted, initial={**values, "seen": acts.fingerprint(self.shown)}, **given)

    def values(self) -> dict[str, Any]:
        """What was typed, by the record's fields; to be asked of a valid form."""
        return {name: self.cleaned_data[name] for name in self.record_fields if name in self.fields}

    def refuse(self, refusal: acts.Refused) -> None:
        """Puts a refusal where it belongs."""
        if isinstance(refusal, acts.Stale):
            self._show_what_is_saved(refusal)
        known = refusal.field if refusal.field in self.fields else None
        self.add_error(known, str(refusal))

    def _show_what_is_saved(self, stale: acts.Stale) -> None:
        self.data = {**_flat(self.data), self.add_prefix("seen"): acts.fingerprint(stale.now)}
        for name, value in stale.now.items():
            if name in self.fields and name in self.cleaned_data:
                typed = self.cleaned_data[name]
                typed = typed.pk if isinstance(typed, Model) else typed
                if typed != value:
                    self.add_error(name, f"Saved now: {_said(value)}")

    def sections(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Visible fields under their headings, for the template."""
        return [("", [field for field in self if not field.is_hidden])]


def _flat(posted: Any) -> dict[str, Any]:
    """A posted form as a plain dict that forms still read: lists stay lists where a field has several values."""
    return _Posted({name: posted.getlist(name) for name in posted} if hasattr(posted, "getlist") else posted)


class _Posted(dict[str, Any]):
    """As much of a QueryDict as widgets ask for, and changeable."""

    def get(self, name: str, default: Any = None) -> Any:
        value = super().get(name, default)
        return (value[-1] if value else default) if isinstance(value, list) else value

    def getlist(self, name: str, default: Any = None) -> list[Any]:
        value = super().get(name, default or [])
        return value if isinstance(value, list) else [value]


def _said(value: Any) -> str:
    if value is None or value == "" or value == []:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dt.datetime):
        return f"{value.astimezone(dt.UTC):%-d %B %Y, %H:%M} UTC"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    text = " ".join(str(value).split())
    return f"“{text[:200]}{'…' if len(text) > 200 else ''}”"


def text_area(rows: int, help: str = "") -> dict[str, Any]:
    """Arguments of a field for Markdown."""
    return {
        "widget": forms.Textarea(attrs={"rows": rows, "spellcheck": "true"}),
        "required": False,
        "strip": False,
        "help_text": help,
    }


def chosen(values: Iterable[Any], choices: Iterable[tuple[Any, str]]) -> list[tuple[Any, str]]:
    """Choices with the values that are set but no longer offered, so that saving a form as it is changes nothing."""
    known = list(choices)
    return known + [(value, f"{value} (no longer offered)") for value in values if value not in dict(known)]
