"""Forms of an account."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm as AllauthLoginForm
from django.core.validators import MaxLengthValidator


class LoginForm(AllauthLoginForm):  # type: ignore[misc]
    """allauth's, but for names and addresses of a length that exists: SQLite fails on a LIKE of 50 kB."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].validators.append(MaxLengthValidator(254))
