"""The forms of a phase and its limits."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.conf import settings

from challenge.models import Phase
from challenge.presentation import limits_text, units
from sandbox import FieldInfo, Limits, Profile, field_info, offered_runtimes
from sandbox.cores import parse_cores
from sandbox.limits import GIB
from sandbox.units import parse_size


class PhaseForm(forms.ModelForm[Phase]):
    """Dates, quotas and secrecy of a phase. All times are UTC, as everywhere on the site."""

    class Meta:
        model = Phase
        fields = ("title", "opens", "closes", "hidden_data", "quota_per_day", "quota_total", "quota_at_once")
        labels = {
            "opens": "Opens (UTC)",
            "closes": "Closes (UTC)",
            "hidden_data": "The data is hidden",
            "quota_per_day": "Submissions a day, per team",
            "quota_total": "Submissions in all, per team",
            "quota_at_once": "Waiting or running at once, per team",
        }
        help_texts = {"hidden_data": "Teams then see neither logs nor per-image detail: a log could carry images out."}
        widgets = {
            name: forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"})
            for name in ("opens", "closes")
        }

    def clean(self) -> dict[str, Any]:
        """The end comes after the start."""
        cleaned = super().clean() or {}
        opens, closes = cleaned.get("opens"), cleaned.get("closes")
        if isinstance(opens, dt.datetime) and isinstance(closes, dt.datetime) and closes <= opens:
            self.add_error("closes", "The phase must close after it opens.")
        return cleaned


@dataclasses.dataclass(frozen=True, slots=True)
class HostOffer:
    """The most that the evaluation hosts can give a container."""

    cpus: int
    memory_bytes: int
    gpus: int
    runtimes: tuple[str, ...]

    @classmethod
    def configured(cls) -> HostOffer:
        """What PARAKH_HOST_… says; where it is silent, what this machine has: it runs the default worker.

        Of this machine's cores, those count that PARAKH_CPUSET leaves to runs.
        """
        usable = len(parse_cores(settings.PARAKH_CPUSET)) if settings.PARAKH_CPUSET else os.cpu_count() or 1
        return cls(
            cpus=settings.PARAKH_HOST_CPUS or usable,
            memory_bytes=settings.PARAKH_HOST_MEMORY_BYTES or os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            gpus=settings.PARAKH_HOST_GPUS,
            runtimes=settings.PARAKH_HOST_RUNTIMES or offered_runtimes(),
        )

    def fit(self, profile: Profile) -> Limits:
        """The profile's limits, as far as these hosts can give them."""
        limits = profile.on(self.cpus)
        return limits.replace(
            memory_bytes=min(limits.memory_bytes, self.memory_bytes // GIB * GIB or limits.memory_bytes)
        )

    def problems(self, limits: Limits) -> Iterator[tuple[str, str]]:
        """What of `limits` no host can give: pairs of field name and sentence."""
        if limits.cpus > self.cpus:
            yield (
                "cpus",
                f"CPU cores is {limits.cpus}; the evaluation hosts have {self.cpus}. Set {self.cpus} or fewer.",
            )
        if limits.memory_bytes > self.memory_bytes:
            yield (
                "memory_bytes",
                f"Memory is {units.exact_size(limits.memory_bytes)}; the evaluation hosts have "
                f"{units.size(self.memory_bytes)} in all. Set less.",
            )
        if limits.gpus > self.gpus:
            yield "gpus", f"GPUs is {limits.gpus}; the evaluation hosts offer {self.gpus or 'none'}."
        if limits.runtime not in self.runtimes:
            yield (
                "runtime",
                f"Runtime is {limits.runtime}; the evaluation hosts offer {', '.join(self.runtimes)}. Others must be "
                "registered with their engines first, and named in PARAKH_HOST_RUNTIMES where the site sees none.",
            )


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

    def __init__(self, posted: Mapping[str, Any] | None, *, initial: Limits, host: HostOffer) -> None:
        super().__init__(posted, initial={name: _plain(v) for name, v in initial.as_dict().items()}, prefix="limits")
        self.host = host
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
        for name, problem in self.host.problems(self.limits):
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
