"""The forms of the submit page: cheap checks, with words a newcomer can act on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import URLValidator
from django.utils.html import format_html
from django.utils.safestring import SafeString

from challenge.admission import MOST_GMAC, MOST_PARAMETERS
from challenge.models import Kind, Phase
from challenge.presentation import units
from challenge.uploads import ceiling
from sandbox import TITLES

ENDINGS: dict[str, tuple[str, ...]] = {
    Kind.CODE: (".zip",),
    Kind.IMAGE: (".tar", ".tar.gz", ".tgz", ".tar.zst"),
    Kind.PREDICTIONS: (".zip",),
}

WANTED: dict[str, str] = {
    Kind.CODE: "a .zip with predict.py at its top",
    Kind.IMAGE: "the .tar that docker save writes",
    Kind.PREDICTIONS: "a .zip of label maps, one PNG an image",
}


def kind_choices(phase: Phase) -> list[tuple[str, SafeString]]:
    """The kinds a phase takes, each with what to send and how large it may be."""
    limits = phase.limits
    texts = {
        Kind.CODE: "A .zip with predict.py at its top and your weights. It runs in an image of ours",
        Kind.IMAGE: "The .tar that docker save writes (.tar.gz and .tar.zst too): any language, any framework",
        Kind.PREDICTIONS: "A .zip of label maps that you made yourself. Nothing runs here, so the board shows no "
        "latency and no memory",
    }
    return [
        (
            kind.value,
            format_html(
                '<strong>{}</strong> <span class="help">{}. At most {}.</span>',
                kind.value.capitalize(),
                texts[kind],
                units.exact_size(ceiling(kind, limits)),
            ),
        )
        for kind in Kind
        if kind.value in phase.kinds
    ]


class DescriptionForm(forms.Form):
    """What a team says of a submission: asked when it is sent, and put right later."""

    title = forms.CharField(
        max_length=100,
        help_text="Shown beside your team on the board, such as “ERFNet, pruned to 0.4 M parameters”.",
    )
    method = forms.CharField(
        max_length=1000,
        required=False,
        label="How it works",
        widget=forms.Textarea({"rows": 4}),
        help_text="In a few sentences: architecture, training data, tricks. Everyone can read it in the report.",
    )
    link = forms.URLField(
        max_length=200,
        required=False,
        label="Paper or code",
        assume_scheme="https",
        validators=[URLValidator(["http", "https"])],
        help_text="An address, such as https://example.org/paper.",
    )
    parameters = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=MOST_PARAMETERS,
        label="Parameters",
        help_text="How many the model has. The board can be sorted by it; it is what you say, not what we measure.",
    )
    gmac = forms.FloatField(
        required=False,
        min_value=0,
        max_value=MOST_GMAC,
        label="GMAC",
        help_text="10⁹ multiply-accumulates for one image.",
    )

    optional = ("method", "link", "parameters", "gmac")

    @property
    def about(self) -> dict[str, Any]:
        """What was typed, as the services take it."""
        return {name: self.cleaned_data[name] for name in ("title", *self.optional)}

    @property
    def main_fields(self) -> list[forms.BoundField]:
        """Those that are asked openly."""
        return [field for field in self.visible_fields() if field.name not in self.optional]

    @property
    def more_fields(self) -> list[forms.BoundField]:
        """Those behind a fold."""
        return [field for field in self.visible_fields() if field.name in self.optional]

    @property
    def opens_more(self) -> bool:
        """The fold is open: something behind it is filled in or wrong."""
        return any(field.errors or field.value() not in (None, "") for field in self.more_fields)


class SubmitForm(DescriptionForm):
    """A new submission. `team_name` is asked only of a person who is in no team of this challenge yet."""

    kind = forms.ChoiceField(widget=forms.RadioSelect, label="What you send")
    base = forms.ChoiceField(
        required=False,
        label="Base image",
        help_text="What your code finds installed. There is no network to add to it.",
    )
    team_name = forms.CharField(
        max_length=60,
        label="Team name",
        help_text="You are in no team of this challenge yet: this makes one. Everyone can see the name.",
    )
    file = forms.FileField(label="File", allow_empty_file=True)

    field_order = ("team_name", "kind", "base", "file", "title", "method", "link", "parameters", "gmac")
    file_field = "file"

    def __init__(self, *args: Any, phase: Phase, needs_team: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.limits = phase.limits
        kind, base = self.fields["kind"], self.fields["base"]
        assert isinstance(kind, forms.ChoiceField)
        assert isinstance(base, forms.ChoiceField)
        kind.choices = kind_choices(phase)
        kind.initial = kind.choices[0][0]
        base.choices = [(name, TITLES.get(name, name)) for name in settings.PARAKH_BASES]
        if Kind.CODE not in phase.kinds or len(base.choices) < 2:
            del self.fields["base"]
        if not needs_team:
            del self.fields["team_name"]
        endings = sorted({ending for name in phase.kinds for ending in ENDINGS.get(name, ())})
        self.fields["file"].widget.attrs["accept"] = ",".join(endings)
        self.fields["file"].help_text = " or ".join(endings)

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
        most = ceiling(kind, self.limits)
        if not name.lower().endswith(ENDINGS[kind]):
            yield f"“{name}” does not look right: {kind} means {WANTED[kind]}."
        if count == 0:
            yield "The file is empty. Choose the file again; perhaps it was still being written."
        elif count > most:
            yield (
                f"The file has {units.size(count)}; this phase takes at most {units.exact_size(most)}. "
                f"{_TOO_LARGE[kind]}"
            )


_LEAVE_OUT = "Leave out what the run does not need, such as training data, caches and optimizer states."
_TOO_LARGE: dict[str, str] = {
    Kind.CODE: _LEAVE_OUT,
    Kind.IMAGE: _LEAVE_OUT,
    Kind.PREDICTIONS: "One label map an image is all it takes: 8-bit greyscale PNGs of a few kilobytes each.",
}


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
