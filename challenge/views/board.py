"""The board of a phase, for everyone who may see the challenge."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from challenge import leaderboard as board
from challenge import permissions, teams
from challenge.presentation import axes, limits_text, scatter
from challenge.views import finding
from evaluator.metrics import CLASS_NAMES


def leaderboard(request: HttpRequest, slug: str, phase_slug: str) -> HttpResponse:
    """One page of a phase's board, its per-class table, and accuracy against latency."""
    phase = finding.phase(request, slug, phase_slug)
    number = request.GET.get("page", "1")
    page = board.page(phase, number=int(number) if number.isascii() and number.isdigit() else 1)
    my_team = teams.team_of(request.user, phase.challenge)
    context = {
        "challenge": phase.challenge,
        "phase": phase,
        "phases": list(phase.challenge.phases.all()),
        "page": page,
        "my_team": my_team,
        "chart": scatter.scatter(
            [_entry(row, my_team.pk if my_team else None) for row in page if _is_timed(row)], axes.MEASURES["latency"]
        ),
        "now": timezone.now(),
        "class_names": CLASS_NAMES,
        "limits_sentence": limits_text.sentence(phase.limits),
        "may_edit": permissions.can_edit(request.user, phase.challenge),
    }
    return render(request, "leaderboard.html", context)


def _is_timed(row: board.Row) -> bool:
    return bool(row.score.latency_median_seconds)


def _entry(row: board.Row, my_team: int | None) -> scatter.Entry:
    assert row.score.latency_median_seconds is not None  # _is_timed
    return scatter.Entry(
        name=row.team.name,
        detail=row.submission.title,
        link=f"#team-{row.team.slug}",
        x=row.score.latency_median_seconds,
        y=row.miou,
        is_baseline=row.is_baseline,
        is_mine=row.team.pk == my_team,
    )
