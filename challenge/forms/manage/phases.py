"""The form of a phase's settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib.auth.models import User

from challenge import permissions
from challenge.columns import COLUMNS
from challenge.forms.manage.parts import EditForm, chosen
from challenge.forms.manage.texts import ADDRESS
from challenge.forms.manage.zoned import ZonedDateTimeField
from challenge.models import Challenge, Contract, Kind, Phase
from challenge.organizing import offers, phases


class PhaseForm(EditForm):
    """All of `phases.SETTINGS`; without a saved record, a new phase. What is locked is shown with the reason."""

    record_fields = phases.SETTINGS

    def __init__(
        self, posted: Mapping[str, Any] | None = None, *, record: Phase, challenge: Challenge, user: User
    ) -> None:
        super().__init__(posted, record=record)
        zone = challenge.zone
        many = forms.CheckboxSelectMultiple
        self.fields |= {
            "title": forms.CharField(max_length=120),
            "slug": forms.CharField(max_length=50, label="Address", validators=[ADDRESS], help_text="Such as final."),
            "opens": ZonedDateTimeField(zone=zone, kept=record.opens, help_text=f"In {zone.key}."),
            "closes": ZonedDateTimeField(zone=zone, kept=record.closes, help_text=f"In {zone.key}."),
            "dataset": forms.ModelChoiceField(permissions.usable_datasets(user, challenge), label="Data set"),
            "kinds": forms.MultipleChoiceField(choices=chosen(record.kinds, Kind.choices), widget=many, label="Takes"),
            "contract": forms.ChoiceField(choices=Contract.choices),
            "hidden_data": forms.BooleanField(
                required=False,
                label="The data is hidden",
                help_text="Logs and all detail of single images are withheld: they could carry the images out.",
            ),
            "keep_predictions": forms.BooleanField(
                required=False,
                label="Keep label maps",
                help_text="Of submissions on the board, for your exports and for pictures.",
            ),
            "quota_per_day": forms.IntegerField(min_value=1, label="Submissions a day", help_text="Of each team."),
            "quota_total": forms.IntegerField(min_value=1, label="Submissions in all"),
            "quota_at_once": forms.IntegerField(min_value=1, label="Submissions at once", help_text="Wait or run."),
            "columns": forms.MultipleChoiceField(
                choices=chosen(record.columns, [(name, column.heading) for name, column in COLUMNS.items()]),
                widget=many,
                required=False,
                label="Columns of the board",
                help_text="None chosen: all.",
            ),
            "public_share": forms.IntegerField(
                min_value=1,
                max_value=100,
                label="Public part of the images, %",
                help_text="Less than 100 keeps the rest private until you reveal the final standing.",
            ),
            "freezes": ZonedDateTimeField(
                zone=zone,
                kept=record.freezes,
                required=False,
                label="The board freezes",
                help_text="From then until the reveal it stays as it was. Empty: never.",
            ),
            "queue": forms.ChoiceField(
                choices=chosen([record.queue], [(name, name) for name in offers.known_queues()]),
                help_text="Which evaluation hosts take it.",
            ),
        }
        self.locks = phases.locked(record)
        for name, reason in self.locks.items():
            self.fields[name].disabled = True
            self.fields[name].help_text = reason

    def values(self) -> dict[str, Any]:
        """What may change; what is locked stays as it is."""
        return {name: value for name, value in super().values().items() if name not in self.locks}
