"""The forms of a challenge's texts, pages, pictures, news and people."""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.validators import RegexValidator

from challenge.forms.manage.parts import EditForm, text_area
from challenge.forms.manage.zoned import ZonedDateTimeField
from challenge.models import Challenge, Page
from challenge.organizing import texts

ADDRESS = RegexValidator(r"^[a-z0-9][a-z0-9-]*$", "Small letters, digits and hyphens, such as night-rides.")
MARKDOWN = "Markdown: **bold**, lists, tables, links, formulas between $ signs, pictures of this challenge."


class NewForm(forms.Form):
    """A new challenge: the rest is set on its own pages."""

    title = forms.CharField(max_length=120)
    slug = forms.CharField(
        max_length=50, label="Address", validators=[ADDRESS], help_text="The last part of its address on this site."
    )
    summary = forms.CharField(max_length=300, required=False, help_text="One sentence for the list of challenges.")


class TextsForm(EditForm):
    """What a challenge says of itself, and the rules for its teams."""

    title = forms.CharField(max_length=120)
    summary = forms.CharField(max_length=300, required=False, help_text="One sentence for the list of challenges.")
    description = forms.CharField(**text_area(14, f"The task and its rules. {MARKDOWN}"))
    data_notes = forms.CharField(label="Notes on the data", **text_area(6, "Where the images come from. Markdown."))
    licence = forms.CharField(
        max_length=120, required=False, label="Licence of the data", help_text="In a few words: “research only”."
    )
    licence_url = forms.URLField(required=False, label="Text of the licence", assume_scheme="https")
    time_zone = forms.ChoiceField(label="Time zone", help_text="In which you write dates here. Everyone sees UTC too.")
    largest_team = forms.IntegerField(min_value=1, max_value=100, label="Largest team", help_text="People.")

    record_fields = (*texts.TEXTS, *texts.RULES)

    def __init__(self, posted: Mapping[str, Any] | None = None, *, record: Challenge) -> None:
        super().__init__(posted, record=record)
        zones = sorted(zoneinfo.available_timezones() | {record.time_zone})
        self.fields["time_zone"] = forms.ChoiceField(
            label="Time zone",
            help_text="In which you write dates here. Everyone sees UTC too.",
            choices=[(zone, zone) for zone in zones],
        )
        self.fields["teams_close"] = ZonedDateTimeField(
            zone=record.zone,
            kept=record.teams_close,
            required=False,
            label="Teams close",
            help_text="From then on nobody joins, leaves or merges teams. Empty: never.",
        )


class PageForm(EditForm):
    """One page of a challenge; without a record, a new one."""

    title = forms.CharField(max_length=80)
    slug = forms.CharField(max_length=60, label="Address", validators=[ADDRESS], help_text="Such as rules.")
    body = forms.CharField(label="Text", **text_area(18, MARKDOWN))

    record_fields = texts.PAGE

    def __init__(self, posted: Mapping[str, Any] | None = None, *, record: Page | None = None) -> None:
        super().__init__(posted, record=record or Page())


class PictureForm(forms.Form):
    """A picture for pages."""

    name = forms.CharField(max_length=60, required=False, help_text="As pages name it. Empty: the file's name.")
    file = forms.FileField(help_text="PNG, JPEG or WebP, at most 8 MiB. It is decoded and written anew.")


class NewsForm(forms.Form):
    """An announcement."""

    title = forms.CharField(max_length=120)
    body = forms.CharField(label="Text", **text_area(8, "Markdown. It is mailed to everyone who takes part."))


class OrganizerForm(forms.Form):
    """Another organizer."""

    name = forms.CharField(max_length=150, label="User name", help_text="She must have an account already.")


class ReasonForm(forms.Form):
    """Why something is done."""

    reason = forms.CharField(max_length=300, help_text="Everyone can read it.")
