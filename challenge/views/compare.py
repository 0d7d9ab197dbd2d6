"""Two submissions side by side."""

from __future__ import annotations

import uuid
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from challenge import permissions
from challenge.models import BoardRow, Phase, Submission
from challenge.presentation import comparison, limits_text
from challenge.views import finding

MOST_LISTED = 50
"""In each list to choose from; others are reached by the link on their own page."""

Choices = list[tuple[str, list[tuple[str, str]]]]


@login_required
@require_safe
def submission_compare(request: HttpRequest) -> HttpResponse:
    """`?a=…&b=…`: one's own submissions and any public report. With less than two it asks which."""
    a, b = _chosen(request, "a"), _chosen(request, "b")
    either = a or b
    phase = either.phase if either else None
    context: dict[str, Any] = {"a": a, "b": b, "choices": _choices(cast(User, request.user), phase, [a, b])}
    if a and b and a.pk == b.pk:
        context["problem"] = "Choose two different submissions."
    elif a and b and not (a.score and b.score):
        unscored = b if a.score else a
        context["problem"] = f"“{unscored.title}” has no score, so there is nothing to compare yet."
    elif a and b:
        context["found"] = comparison.compare(a, b)
        context["pair"] = [
            (one, limits_text.sentence(one.score.attempt.limits) if one.score and one.kind != "predictions" else "")
            for one in (a, b)
        ]
    return render(request, "submission_compare.html", context)


def _chosen(request: HttpRequest, name: str) -> Submission | None:
    """Raises Http404 for one that this user may not see, and for what is no id."""
    given = request.GET.get(name, "")
    if not given:
        return None
    try:
        return finding.reported(request, uuid.UUID(given))
    except ValueError:
        raise Http404 from None


def _choices(user: User, phase: Phase | None, chosen: list[Submission | None]) -> Choices:
    """Her own submissions with a score, and those on the board of the phase that one of the two is in."""
    mine = permissions.own_submissions(user).filter(score__isnull=False).select_related("phase", "score")
    own = [
        (str(one.pk), f"{one.title} ({one.phase.title}, {_percent(one)})")
        for one in mine.order_by("-created", "pk")[:MOST_LISTED]
    ]
    lists = [("Yours", own)]
    if phase is not None:
        standing = permissions.standings_for(user, phase)[0]
        rows = BoardRow.objects.filter(phase=phase, standing=standing).select_related("submission__score", "team")
        public = [
            (str(row.submission_id), f"{row.team.name}: {row.submission.title} ({100 * row.miou:.2f} %)")
            for row in rows.order_by("-miou", "achieved", "id")[:MOST_LISTED]
        ]
        lists.append((f"On the board of {phase.title}", public))
    listed = {key for _, options in lists for key, _ in options}
    others = [(str(one.pk), one.title) for one in chosen if one is not None and str(one.pk) not in listed]
    return [("Chosen", others), *lists] if others else lists


def _percent(submission: Submission) -> str:
    return f"{100 * submission.score.miou:.2f} %" if submission.score else "no score"
