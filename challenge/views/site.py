"""What belongs to the site as a whole: how it is doing, what robots may read, the icon that browsers ask for."""

from __future__ import annotations

import dataclasses
import datetime as dt

from django.core.cache import cache
from django.db.models import Min
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from challenge import hosts, lineup, permissions
from challenge.models import Phase, State, Submission

FRESH_SECONDS = 10
"""How long the figures of the status page hold: anybody may ask for it, as often as she likes."""

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


@dataclasses.dataclass(frozen=True, slots=True)
class Now:
    """What the site is at. `oldest` is when what has waited longest was queued."""

    at: dt.datetime
    waiting: int
    oldest: dt.datetime | None
    running: int
    hosts: int


@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """Are submissions evaluated, and how many wait? Of phases that are stuck, those this user may see."""
    now, stuck = cache.get_or_set("status", _look, FRESH_SECONDS)  # type: ignore[misc]
    phases = permissions.visible_phases(request.user).select_related("challenge")
    visible = phases.in_bulk([phase.pk for phase, _ in stuck])
    shown = [(visible[phase.pk], why) for phase, why in stuck if phase.pk in visible]
    return render(request, "status.html", {"now": now, "stuck": shown})


def _look() -> tuple[Now, list[tuple[Phase, str]]]:
    line = lineup.waiting().order_by()
    oldest = line.aggregate(oldest=Min("queued_at"))["oldest"]
    running = Submission.objects.filter(state=State.EVALUATING).count()
    now = Now(timezone.now(), line.count(), oldest, running, hosts.live().count())
    return now, lineup.stuck_phases()


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
