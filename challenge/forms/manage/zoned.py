"""Dates in the time zone of a challenge."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Any

from django import forms

FORMAT = "%Y-%m-%dT%H:%M"


class ZonedDateTimeField(forms.DateTimeField):
    """A date and time as a clock on the wall of `zone` shows it; read and written in that zone, whatever the server's.

    A time that comes twice when clocks go back, or never when they go forward, is refused in words. One that stands
    unchanged is kept to the second, and may even be one of those.
    """

    def __init__(self, *, zone: zoneinfo.ZoneInfo, kept: dt.datetime | None = None, **given: Any) -> None:
        super().__init__(widget=forms.DateTimeInput(format=FORMAT, attrs={"type": "datetime-local"}), **given)
        self.zone, self.kept = zone, kept

    def prepare_value(self, value: Any) -> Any:
        """A moment as the zone's clock shows it; what a person typed stays as typed."""
        return value.astimezone(self.zone).strftime(FORMAT) if isinstance(value, dt.datetime) else value

    def to_python(self, value: Any) -> dt.datetime | None:
        """The moment, in UTC. Raises ValidationError for what is none."""
        if value in self.empty_values:
            return None
        if self.kept is not None and value == self.prepare_value(self.kept):
            return self.kept
        try:
            naive = dt.datetime.fromisoformat(str(value).strip())
        except ValueError:
            raise forms.ValidationError("Write a date and a time, such as 2026-05-31T23:59.") from None
        if naive.tzinfo is not None:
            return naive.astimezone(dt.UTC)
        if not 1970 <= naive.year <= 9998:
            raise forms.ValidationError("This year can't be meant.")
        return self._moment(naive)

    def _moment(self, naive: dt.datetime) -> dt.datetime:
        early, late = (naive.replace(tzinfo=self.zone, fold=fold) for fold in (0, 1))
        moment = early.astimezone(dt.UTC)
        if early.utcoffset() == late.utcoffset():
            return moment
        exists = moment.astimezone(self.zone).replace(tzinfo=None) == naive
        what = "go back, and this time comes twice" if exists else "go forward, and this time does not exist"
        raise forms.ValidationError(
            f"On {naive:%-d %B %Y} the clocks of {self.zone.key} {what}. Choose one an hour earlier or later."
        )
