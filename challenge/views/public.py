"""What everyone may see of challenges: the home page, lists, and a challenge with its texts, pictures and news."""

from __future__ import annotations

import dataclasses
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from challenge import agenda, leaderboard, permissions
from challenge.agenda import Listed, When
from challenge.agenda import main_phase as main_phase
from challenge.models import Challenge, Page, Phase
from challenge.presentation import figures, limits_text, pictures
from challenge.views import finding
from evaluator.metrics import CLASS_NAMES

LISTED_AT_HOME = 6
LISTED = 20
SHORT_NEWS = 600
"""Letters of news that the overview shows whole."""


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """A part of the home page; `has_more` that it does not show."""

    when: When
    listed: list[Listed]
    has_more: bool


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Challenges this user may see: running, coming, past; and the best submission of the first running one."""
    running, coming, past = (_group(request, when) for when in (When.RUNNING, When.COMING, When.PAST))
    drafts = _group(request, When.DRAFT) if request.user.is_authenticated else None
    best = _best_of(running.listed[0]) if running.listed else None
    context = {
        "running": running,
        "groups": [group for group in (drafts, running, coming, past) if group],
        "my_teams": agenda.my_teams(request.user),
        "best": best,
        "best_bars": figures.class_bars(best.iou) if best else [],
    }
    return render(request, "home.html", context)


def _group(request: HttpRequest, when: When) -> Group:
    visible = permissions.visible_challenges(request.user)
    found = list(agenda.with_details(agenda.these(visible, when))[: LISTED_AT_HOME + 1])
    return Group(when, agenda.listed(found[:LISTED_AT_HOME], when), len(found) > LISTED_AT_HOME)


def _best_of(listed: Listed) -> leaderboard.Row | None:
    return leaderboard.best_row(listed.main_phase) if listed.main_phase else None


@require_safe
def challenge_list(request: HttpRequest) -> HttpResponse:
    """All challenges that are running, coming, past or not public yet (`?when=`), with a search (`?q=`), in pages."""
    asked = request.GET.get("when", "")
    when = When(asked) if asked in When.values else When.RUNNING
    words = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    found = permissions.visible_challenges(request.user)
    if words:
        found = found.filter(Q(title__icontains=words) | Q(summary__icontains=words))
    page = Paginator(agenda.with_details(agenda.these(found, when)), LISTED).get_page(request.GET.get("page"))
    context = {
        "whens": [one for one in When if one is not When.DRAFT or request.user.is_authenticated],
        "when": when,
        "words": words,
        "page": page,
        "listed": agenda.listed(page.object_list, when),
        "my_teams": agenda.my_teams(request.user),
    }
    return render(request, "challenge_list.html", context)


@dataclasses.dataclass(frozen=True, slots=True)
class PhaseCard:
    """A phase with its limits in words."""

    phase: Phase
    main_limits: list[limits_text.LimitLine]
    limit_groups: list[tuple[str, list[limits_text.LimitLine]]]


@require_safe
def challenge(request: HttpRequest, slug: str) -> HttpResponse:
    """Text, data notes, the newest news, phases with dates and limits, and how to make a first submission."""
    found = finding.challenge(request, slug)
    phases = list(found.phases.select_related("dataset"))
    shown = main_phase(phases)
    newest = found.announcements.filter(withdrawn_at=None).first()
    context = {
        "challenge": found,
        "phase": shown,
        "images": pictures.of(found),
        "newest": newest,
        "newest_is_short": newest is not None and len(newest.body) <= SHORT_NEWS,
        "cards": [
            PhaseCard(phase, limits_text.main_lines(phase.limits), limits_text.group_lines(phase.limits))
            for phase in phases
        ],
        "local_options": limits_text.local_options(shown.limits) if shown else "",
        "class_names": CLASS_NAMES,
        "may_edit": permissions.can_edit(request.user, found),
        "now": timezone.now(),
    }
    return render(request, "challenge.html", context)


@require_safe
def challenge_page(request: HttpRequest, slug: str, page: str) -> HttpResponse:
    """A further page of a challenge's text."""
    found = finding.challenge(request, slug)
    text = get_object_or_404(Page, challenge=found, slug=page)
    return render(request, "challenge_page.html", {**head(request, found), "text": text, "images": pictures.of(found)})


@require_safe
def news(request: HttpRequest, slug: str) -> HttpResponse:
    """What the organizers have announced, newest first."""
    found = finding.challenge(request, slug)
    page = Paginator(found.announcements.filter(withdrawn_at=None), LISTED).get_page(request.GET.get("page"))
    return render(request, "news.html", {**head(request, found), "page": page, "images": pictures.of(found)})


@require_safe
def picture(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """A picture of a challenge's texts, for exactly those who may see the challenge."""
    found = finding.challenge(request, slug)
    stored = get_object_or_404(found.pictures, name=name)
    etag = f'"{str(stored.file.name).rpartition("/")[2]}"'
    response = HttpResponse(status=304)
    if request.headers.get("If-None-Match") != etag:
        content = pictures.content(stored)
        if content is None:
            raise Http404
        response = HttpResponse(content.data, content_type=content.media_type)
    response["ETag"] = etag
    # Not for long: a picture may be replaced under its name, and a challenge may become hidden again.
    response["Cache-Control"] = "public, max-age=300" if found.is_public else "private, no-cache"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def head(request: HttpRequest, found: Challenge) -> dict[str, Any]:
    """What the head of a challenge's page needs where no phase is named."""
    return {
        "challenge": found,
        "phase": main_phase(list(found.phases.all())),
        "may_edit": permissions.can_edit(request.user, found),
    }
