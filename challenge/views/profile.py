"""A person's own page: account, teams, and the API token."""

from __future__ import annotations

from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST
from rest_framework.authtoken.models import Token

from challenge import permissions, subscriptions


@login_required
@never_cache
def profile(request: HttpRequest) -> HttpResponse:
    """Account, teams, and the API token: shown in full once, right after it was made."""
    user = cast(User, request.user)
    context = {
        "memberships": list(user.memberships.select_related("team", "challenge")),
        "token": Token.objects.filter(user=user).first(),
        "new_token": request.session.pop("new_token", ""),
        "site": settings.SITE_URL,
        "example_phase": permissions.visible_phases(user).order_by("-closes").values_list("pk", flat=True).first() or 1,
    }
    return render(request, "profile.html", context)


@login_required
@require_POST
def token_create(request: HttpRequest) -> HttpResponse:
    """A new token in place of the old one."""
    user = cast(User, request.user)
    with transaction.atomic():
        Token.objects.filter(user=user).delete()
        token = Token.objects.create(user=user)
    request.session["new_token"] = token.key
    return redirect("profile")


@login_required
@require_POST
def token_revoke(request: HttpRequest) -> HttpResponse:
    """No token: scripts that used it are refused from now on."""
    Token.objects.filter(user=cast(User, request.user)).delete()
    messages.success(request, "Revoked: the token no longer works.")
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
