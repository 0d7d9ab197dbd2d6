"""The forms of the submit page: cheap checks, with words a newcomer can act on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from challenge.models import Kind, Phase
from challenge.presentation import units


class SubmitForm(forms.Form):
    """A new submission. `team_name` is asked only of a person who is in no team of this challenge yet."""

    kind = forms.ChoiceField(widget=forms.RadioSelect, label="What you send")
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
        kind = self.fields["kind"]
        assert isinstance(kind, forms.ChoiceField)
        kind.choices = [(value, label) for value, label in Kind.choices if value in phase.kinds]
        kind.initial = kind.choices[0][0]
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
