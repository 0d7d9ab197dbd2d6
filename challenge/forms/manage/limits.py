"""The form of the limits of a phase."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from django import forms

from challenge.models import Phase
from challenge.organizing.offers import HostOffer
from challenge.presentation import limits_text, units
from sandbox import FieldInfo, Limits, field_info
from sandbox.units import parse_size

LONGEST_SIZE = 20
"""Characters of a size. More digits than any size has would leave the range of float and Decimal."""


class SizeField(forms.CharField):
    """A number of bytes, written and read as `512 MiB` or `1.5 GiB`."""

    def prepare_value(self, value: Any) -> Any:
        """A number as text; what a person typed stays as typed."""
        return units.exact_size(value) if isinstance(value, int) else value

    def clean(self, value: Any) -> Any:
        """Bytes as int.

        Raises:
            forms.ValidationError: empty, or not a size.
        """
        text = super().clean(value)
        try:
            if len(text) > LONGEST_SIZE:
                raise ValueError("no size has so many digits")
            return parse_size(text.replace(",", "."))
        except ValueError:
            text = text if len(text) <= LONGEST_SIZE else f"{text[:LONGEST_SIZE]}…"
            raise forms.ValidationError(
                f"“{text}” is not a size. Write a number and a unit, such as 512 MiB or 1.5 GiB."
            ) from None


class LimitsForm(forms.Form):
    """Every field of `sandbox.Limits`, made from its metadata; `limits` holds the result once the form is valid."""

    limits: Limits

    def __init__(
        self, posted: Mapping[str, Any] | None, *, initial: Limits, host: HostOffer, phase: Phase | None = None
    ) -> None:
        super().__init__(posted, initial={name: _plain(v) for name, v in initial.as_dict().items()}, prefix="limits")
        self.host, self.phase = host, phase
        for field in dataclasses.fields(Limits):
            self.fields[field.name] = _form_field(field_info(field.name), is_float=field.type == "float")

    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Bound fields under their headings, for the template."""
        return [(title, [self[name] for name in names]) for title, names in limits_text.grouped_names()]

    def clean(self) -> dict[str, Any]:
        """Bounds in the words of `Limits`, with units a person reads; then what the hosts can give."""
        cleaned = super().clean() or {}
        for name, value in list(cleaned.items()):
            info = field_info(name)
            if info.unit != "name" and not info.minimum <= value <= info.maximum:
                self.add_error(name, f"{info.label} is {_shown(value, info)}; it must lie {_bounds(info)}")
        if self.errors:
            return cleaned
        try:
            self.limits = Limits(**cleaned)
        except ValueError as error:
            # What is left is a rule between fields, which so far only the quota has.
            about = "cpu_quota" if "cpu_quota" in str(error) else None
            self.add_error(about, str(error).replace("cpu_quota", field_info("cpu_quota").label))
            return cleaned
        for name, problem in self.host.problems(self.limits, self.phase):
            self.add_error(name, problem)
        return cleaned


def _plain(value: float | str) -> float | str:
    """`60` for 60.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _form_field(info: FieldInfo, is_float: bool) -> forms.Field:
    """The input for one limit."""
    if info.unit == "name":
        return forms.ChoiceField(
            label=info.label, help_text=info.help, choices=[("runc", "runc"), ("runsc", "gVisor (runsc)")]
        )
    help_text = f"{info.help} B{_bounds(info)[1:]}".strip()
    if info.unit == "bytes":
        return SizeField(label=info.label, help_text=help_text, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    label = f"{info.label} (seconds)" if info.unit == "seconds" else info.label
    if is_float:
        widget = forms.NumberInput(attrs={"step": "any", "inputmode": "decimal"})
        return forms.FloatField(label=label, help_text=help_text, widget=widget)
    return forms.IntegerField(
        label=label, help_text=help_text, widget=forms.NumberInput(attrs={"inputmode": "numeric"})
    )


def _bounds(info: FieldInfo) -> str:
    return f"between {_shown(info.minimum, info)} and {_shown(info.maximum, info)}."


def _shown(value: float, info: FieldInfo) -> str:
    if info.unit == "bytes":
        return units.exact_size(int(value))
    if isinstance(value, int) and abs(value) >= 10**18:  # A float, and so the format below, may not hold it.
        return f"a number of {len(str(abs(value)))} digits"
    return f"{value:,.12g}"
