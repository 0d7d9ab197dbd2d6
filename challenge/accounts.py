"""How accounts are made and kept: what we say differently from django-allauth."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.account.utils import filter_users_by_email, filter_users_by_username
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.validators import MaxLengthValidator, RegexValidator
from django.http import HttpRequest

from challenge import mails

username_validators = [
    # No "@": a name that looks like somebody's mail address. Latin letters only: others come in look-alikes.
    RegexValidator(r"^[A-Za-z0-9_.-]+\Z", "Use letters from A to Z, digits, and the characters . _ -"),
    RegexValidator(r"^deleted-", "Names of this form are kept for accounts that are no more.", inverse_match=True),
    MaxLengthValidator(30),
]

STAFF_NOTICE = "You are staff and log in with a password alone. Set up a second factor on your profile page."

LINKS = ("activate_url", "password_reset_url", "signup_url")


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Mails are written into the database like all others: a mail server that is down keeps nobody from signing up."""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Writes it; it goes out within seconds. Its links lead to SITE_URL, whatever the request said."""
        links = {name: _on_our_site(context[name]) for name in LINKS if name in context}
        told = {"request": self.request, "email": email, "site": settings.SITE_URL, **context, **links}
        message = self.render_mail(template_prefix, email, told)
        mails.about_account(email, message.subject, str(message.body))

    def send_notification_mail(
        self, template_prefix: str, user: User, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        """Also to those who were made on the command line, whose address allauth has no record of."""
        known = email or EmailAddress.objects.get_primary_email(user) or user.email
        super().send_notification_mail(template_prefix, user, context, known)

    def login(self, request: HttpRequest, user: User) -> None:
        """Staff who could do much with a password alone hear of it each time."""
        super().login(request, user)
        if user.is_staff and not is_mfa_enabled(user):
            messages.warning(request, STAFF_NOTICE)

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """What wrong passwords are counted by: the account, whether it is called by its name or by its address."""
        login = str(credentials.get("email") or credentials.get("username") or "").lower()[:254]
        users = filter_users_by_email(login) if "@" in login else list(filter_users_by_username(login)[:1])
        return f"account {users[0].pk}" if users else f"login {login}"


def _on_our_site(link: str) -> str:
    parts = urlsplit(link)
    return settings.SITE_URL + parts.path + (f"?{parts.query}" if parts.query else "")
