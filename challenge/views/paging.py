"""Long lists in pages."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest

from challenge.models import Attempt, Submission

PAGE_SIZE = 50


def paged(request: HttpRequest, found: QuerySet[Submission]) -> Page[Any]:
    """One page of a list of submissions, each with all that its line shows."""
    verdicts = Attempt.objects.filter(submission=OuterRef("pk"), state="done").order_by("-number").values("verdict")
    found = found.select_related("phase__challenge", "team", "score").annotate(latest_verdict=Subquery(verdicts[:1]))
    return Paginator(found.order_by("-created", "pk"), PAGE_SIZE).get_page(request.GET.get("page"))
