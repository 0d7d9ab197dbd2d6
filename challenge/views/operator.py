"""For operators and their programs: is it alive, is it ready, what does it measure?"""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from challenge import health
from challenge import metrics as measured

LOOPBACK = {"127.0.0.1", "::1"}


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """This process answers. Asks nobody else: a restart would not mend a database."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """Everything behind it answers too: 200, else 503. `?exclude=engine` leaves a part out.

    What exactly is wrong stands in the log: anybody may ask here.
    """
    found = health.look(without=frozenset(request.GET.getlist("exclude")))
    is_ready = all(part.ok for part in found.values())
    parts = {name: {"ok": part.ok, "seconds": round(part.seconds, 3)} for name, part in found.items()}
    return JsonResponse({"status": "ok" if is_ready else "failed", "parts": parts}, status=200 if is_ready else 503)


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """For Prometheus; for others it is not there."""
    if not _may_scrape(request):
        raise Http404
    return HttpResponse(measured.page(), content_type=CONTENT_TYPE_LATEST)


def _may_scrape(request: HttpRequest) -> bool:
    """Who knows PARAKH_METRICS_TOKEN; where none is set, programs on this machine.

    What came through a proxy on this machine comes from its address too, so it must not have been forwarded.
    """
    if settings.PARAKH_METRICS_TOKEN:
        return constant_time_compare(
            request.headers.get("Authorization", ""), f"Bearer {settings.PARAKH_METRICS_TOKEN}"
        )
    was_forwarded = any(name in request.headers for name in ("X-Forwarded-For", "X-Real-IP", "Forwarded"))
    return request.META.get("REMOTE_ADDR") in LOOPBACK and not was_forwarded
