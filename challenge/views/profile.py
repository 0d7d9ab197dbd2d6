"""A person's own page: account, second factor, mails she wants, teams and invitations, API tokens."""

from __future__ import annotations

from typing import Any, cast

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from challenge import invitations, permissions, subscriptions, tokens
from challenge.forms.accounts import SettingsForm, TokenForm
from challenge.models import Profile, Token


@login_required
@never_cache
def profile(request: HttpRequest) -> HttpResponse:
    """All of it on one page. A new token is shown in full once, right after it was made."""
    return _page(request)


def _page(request: HttpRequest, token_form: TokenForm | None = None, status: int = 200) -> HttpResponse:
    user = cast(User, request.user)
    context: dict[str, Any] = {
        "addresses": list(EmailAddress.objects.filter(user=user).order_by("-primary", "email")),
        "has_second_factor": Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists(),
        "settings_form": SettingsForm(instance=Profile.objects.filter(user=user).first() or Profile(user=user)),
        "memberships": list(user.memberships.select_related("team", "challenge").order_by("-joined")),
        "invitations": list(invitations.for_person(user)),
        "tokens": list(Token.objects.filter(user=user)),
        "most_tokens": tokens.MOST,
        "new_token": request.session.pop("new_token", ""),
        "token_form": token_form or TokenForm(),
        "site": settings.SITE_URL,
        "example_phase": permissions.visible_phases(user).order_by("-closes").values_list("pk", flat=True).first() or 1,
    }
    return render(request, "profile.html", context, status=status)


@login_required
@require_POST
def settings_save(request: HttpRequest) -> HttpResponse:
    """Which mails she wants."""
    user = cast(User, request.user)
    form = SettingsForm(request.POST)
    if form.is_valid():  # Two check boxes always are.
        subscriptions.choose(user.pk, **form.cleaned_data)
        messages.success(request, "Saved.")
    return redirect("profile")


@login_required
@require_POST
def token_create(request: HttpRequest) -> HttpResponse:
    """One more token."""
    form = TokenForm(request.POST)
    if form.is_valid():
        try:
            token = tokens.make(cast(User, request.user), form.cleaned_data["name"], form.cleaned_data["days"])
        except tokens.TokenRefused as refusal:
            form.add_error("name", str(refusal))
        else:
            request.session["new_token"] = token
            return redirect("profile")
    return _page(request, form, status=400)


@login_required
@require_POST
def token_revoke(request: HttpRequest) -> HttpResponse:
    """The token no longer works: scripts that use it are refused from now on."""
    name = request.POST.get("name", "")
    if tokens.revoke(cast(User, request.user), name):
        messages.success(request, f"Revoked: the token “{name}” no longer works.")
    else:
        messages.error(request, "You have no token of that name.")
    return redirect("profile")


# Links in mails


@csrf_exempt  # The token is what allows it; mail programs POST here without a page before (RFC 8058).
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def mail_stop(request: HttpRequest, token: str) -> HttpResponse:
    """Stops mails of one kind, without a log-in. A GET only asks: programs follow links in mails to look for harm."""
    found = subscriptions.read(token)
    user = User.objects.filter(pk=found[0], is_active=True).first() if found else None
    if found is None or user is None:
        raise Http404
    if request.method == "POST":
        subscriptions.stop(user.pk, found[1])
    context = {"what": subscriptions.WORDS[found[1]], "is_done": request.method == "POST", "whose": user}
    return render(request, "mail_stop.html", context)
