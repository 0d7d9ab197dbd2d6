"""Forms: cheap checks with words a newcomer can act on. Whether a submission is taken is for submissions.py to say."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
from collections.abc import Iterator, Mapping
from typing import Any

from allauth.account.forms import LoginForm as AllauthLoginForm
from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import MaxLengthValidator

from challenge.models import Kind, Phase
from challenge.presentation import limits_text, units
from sandbox import FieldInfo, Limits, Profile, field_info, offered_runtimes
from sandbox.cores import parse_cores
from sandbox.limits import GIB
from sandbox.units import parse_size

# Logging in


class LoginForm(AllauthLoginForm):  # type: ignore[misc]
    """allauth's, but for names and addresses of a length that exists: SQLite fails on a LIKE of 50 kB."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].validators.append(MaxLengthValidator(254))


# Submitting


class SubmitForm(forms.Form):
    """A new submission. `team_name` is asked only of a person who is in no team of this challenge yet."""

    kind = forms.ChoiceField(choices=Kind.choices, initial=Kind.CODE, widget=forms.RadioSelect, label="What you send")
    title = forms.CharField(
        max_length=100, help_text="Shown beside your team on the board, such as “ERFNet, pruned to 0.4 M parameters”."
    )
    team_name = forms.CharField(
        max_length=60,
        label="Team name",
        help_text="You are in no team of this challenge yet: this makes one. Everyone can see the name.",
    )
    file = forms.FileField(label="File", allow_empty_file=True)

    field_order = ("team_name", "kind", "title", "file")
    file_field = "file"

    def __init__(self, *args: Any, phase: Phase, needs_team: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.limits = phase.limits
        if not needs_team:
            del self.fields["team_name"]
        self.fields["file"].help_text = (
            f"Code: a .zip with predict.py at its top, at most {units.exact_size(self.limits.archive_packed_bytes)}. "
            f"Image: the .tar of docker save (or .tar.gz, .tar.zst), at most "
            f"{units.exact_size(self.limits.image_packed_bytes)}."
        )

    def clean_team_name(self) -> str:
        """A name needs at least one letter or digit: its address on the site is made of them."""
        name = " ".join(str(self.cleaned_data["team_name"]).split())
        if not any(character.isalnum() for character in name):
            raise forms.ValidationError("Use at least one letter or digit.")
        return name

    def clean(self) -> dict[str, Any]:
        """The file's name and size must fit the kind; what is in it is looked at before it runs."""
        cleaned = super().clean() or {}
        kind, announced = cleaned.get("kind"), self._announced(cleaned)
        if announced and kind:
            for problem in self._file_problems(kind, *announced):
                self.add_error(self.file_field, problem)
        return cleaned

    def _announced(self, cleaned: dict[str, Any]) -> tuple[str, int] | None:
        """Name and bytes of the file, if there is one."""
        file = cleaned.get("file")
        return (file.name or "", file.size or 0) if isinstance(file, UploadedFile) else None

    def _file_problems(self, kind: str, name: str, count: int) -> Iterator[str]:
        is_code = kind == Kind.CODE
        endings = (".zip",) if is_code else (".tar", ".tar.gz", ".tgz", ".tar.zst")
        most = self.limits.archive_packed_bytes if is_code else self.limits.image_packed_bytes
        if not name.lower().endswith(endings):
            wanted = "a .zip with predict.py at its top" if is_code else "the .tar that docker save writes"
            yield f"“{name}” does not look right: a {kind} submission is {wanted}."
        if count == 0:
            yield "The file is empty. Choose the file again; perhaps it was still being written."
        elif count > most:
            yield (
                f"The file has {units.size(count)}; this phase takes at most {units.exact_size(most)}. "
                "Leave out what the run does not need, such as training data, caches and optimizer states."
            )


class UploadForm(SubmitForm):
    """The same, where the page's script has only announced the file: its bytes come after."""

    file_name = forms.CharField(max_length=200)
    size = forms.IntegerField(min_value=0, max_value=2**40)

    file_field = "file_name"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["file"]

    def _announced(self, cleaned: dict[str, Any]) -> tuple[str, int] | None:
        if "file_name" not in cleaned or "size" not in cleaned:
            return None
        return cleaned["file_name"], cleaned["size"]

    def told(self) -> dict[str, list[str]]:
        """What is wrong, by the names of the fields that a person sees; the empty name for the whole form."""
        found: dict[str, list[str]] = {}
        for name, problems in self.errors.items():
            shown = {"__all__": "", "file_name": "file", "size": "file"}.get(name, name)
            found.setdefault(shown, []).extend(str(problem) for problem in problems)
        return found


# A phase and its limits


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
