"""What belongs to the site as a whole: what robots may read, the icon that browsers ask for unasked."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

ROBOTS = """User-agent: *
Disallow: /account/
Disallow: /admin/
Disallow: /api/
Disallow: /profile/
Disallow: /submissions/
# Boards in other orders, with other filters, and as files: the board itself is enough.
Disallow: /*?
Disallow: /*.csv
Disallow: /*.json
"""


@require_safe
@cache_control(public=True, max_age=86_400)
def robots(request: HttpRequest) -> HttpResponse:
    """What search engines are asked to leave alone. No wall: those are in permissions.py."""
    return HttpResponse(ROBOTS, content_type="text/plain; charset=utf-8")


@require_safe
@cache_control(public=True, max_age=86_400)
def favicon(request: HttpRequest) -> HttpResponse:
    """Pages name their icon; some programs ask here all the same."""
    return redirect(static("parakh/logo.svg"))
