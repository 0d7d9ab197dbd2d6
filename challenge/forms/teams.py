"""Forms of a team: one line each. What a name may be is for teams.py to say."""

from __future__ import annotations

from django import forms

_NO_MEMORY = {"autocomplete": "off"}


class TeamNameForm(forms.Form):
    """Founding a team, or giving it another name."""

    name = forms.CharField(
        max_length=60, label="Name of the team", help_text="Everybody can see it.", widget=forms.TextInput(_NO_MEMORY)
    )


class InviteForm(forms.Form):
    """Asking a person to join."""

    whom = forms.CharField(
        max_length=254,
        label="User name or mail address",
        help_text="She gets a mail with a link. Nobody sees the address but your team.",
        widget=forms.TextInput(_NO_MEMORY),
    )


class MergeForm(forms.Form):
    """Asking another team to merge."""

    team = forms.CharField(max_length=60, label="Name of the other team", widget=forms.TextInput(_NO_MEMORY))
