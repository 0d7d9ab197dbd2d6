"""What the views of organizers share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms

from challenge.agenda import main_phase
from challenge.forms.manage.parts import EditForm
from challenge.models import Challenge
from challenge.organizing import acts


def acted(form: forms.Form, act: Callable[[], object]) -> bool:
    """Does it. False: it was refused, and the form now says why, where it was wrong."""
    try:
        act()
    except acts.Refused as refusal:
        if isinstance(form, EditForm):
            form.refuse(refusal)
        else:
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        return False
    return True


def head(challenge: Challenge, here: str) -> dict[str, Any]:
    """What the head of each page of an organizer needs; `here` is the URL's name."""
    phases = list(challenge.phases.select_related("dataset"))
    return {
        "challenge": challenge,
        "phases": phases,
        "phase": main_phase(phases),
        "here": here,
        "may_edit": True,
    }
