"""Forms of an account and of a person's profile."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm as AllauthLoginForm
from django import forms
from django.contrib.auth.models import User
from django.core.validators import MaxLengthValidator

from challenge.models import Profile


class LoginForm(AllauthLoginForm):  # type: ignore[misc]
    """allauth's, but for names and addresses of a length that exists: SQLite fails on a LIKE of 50 kB."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].validators.append(MaxLengthValidator(254))


class TokenForm(forms.Form):
    """A new API token."""

    name = forms.CharField(
        max_length=60, label="What it is for", help_text="Such as “laptop” or “nightly training”. Only you see it."
    )
    days = forms.TypedChoiceField(
        choices=[("30", "30 days"), ("90", "90 days"), ("365", "a year"), ("", "until I revoke it")],
        coerce=int,
        empty_value=None,
        required=False,
        initial="90",
        label="It works for",
    )

    prefix = "token"


class SettingsForm(forms.ModelForm[Profile]):
    """Which mails a person wants."""

    class Meta:
        model = Profile
        fields = ("mail_when_done", "mail_news")
        labels = {
            "mail_when_done": "When a submission of mine has ended",
            "mail_news": "News from the organizers of my challenges",
        }
        help_texts = dict.fromkeys(("mail_when_done", "mail_news"), "")

    prefix = "settings"


class DeleteForm(forms.Form):
    """The name of the account, typed: nobody deletes one by a slip of the hand."""

    name = forms.CharField(
        max_length=150, label="Your user name, to confirm", widget=forms.TextInput({"autocomplete": "off"})
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user

    def clean_name(self) -> str:
        """Exactly hers."""
        name: str = self.cleaned_data["name"]
        if name != self._user.get_username():
            raise forms.ValidationError(f"Type {self._user.get_username()}, exactly so.")
        return name
