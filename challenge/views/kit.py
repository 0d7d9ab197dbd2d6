"""The starter kit of a phase."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from challenge import kit
from challenge.views import finding


@require_safe
def starter_kit(request: HttpRequest, slug: str, phase_slug: str) -> HttpResponse:
    """A zip, for everybody who may see the challenge."""
    phase = finding.phase(request, slug, phase_slug)
    answer = HttpResponse(kit.starter_kit(phase), content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="{kit.folder(phase)}.zip"'
    return answer
