"""The documentation, as it lies in docs/."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from challenge.presentation import documents


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """The index: what there is to read, by reader."""
    return _shown(request, "")


@require_safe
def docs_page(request: HttpRequest, name: str) -> HttpResponse:
    """One page."""
    return _shown(request, name)


def _shown(request: HttpRequest, name: str) -> HttpResponse:
    found = documents.page(name)
    if found is None:
        raise Http404
    return render(request, "docs_page.html", {"document": found, "groups": documents.navigation()})


@conditional_page
@require_safe
@cache_control(public=True, max_age=3600)
def docs_image(request: HttpRequest, name: str) -> HttpResponse:
    """A picture of a page."""
    found = documents.picture(name)
    if found is None:
        raise Http404
    path, media_type = found
    return HttpResponse(path.read_bytes(), content_type=media_type)
