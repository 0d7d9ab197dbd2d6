"""The board of a phase, for everyone who may see the challenge: its table, its charts, and the same as files."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe
from rest_framework.throttling import SimpleRateThrottle

from challenge import entrants, permissions
from challenge import leaderboard as boards
from challenge.models import Phase, Standing
from challenge.presentation import board as asking
from challenge.presentation import history as histories
from challenge.presentation import limits_text, scatter, spreadsheets
from challenge.presentation.axes import MEASURES
from evaluator.metrics import CLASS_NAMES

MOST_EXPORTED = 20_000
"""Rows of a file. A spreadsheet opens them at once; the API has the rest in pages."""

MOST_FRONT = 60
MOST_STEPS = 60
"""What a chart draws of a long front and a long history: a page stays below 150 kB."""

MOST_DISQUALIFIED = 50


@dataclasses.dataclass(frozen=True, slots=True)
class Board:
    """What every page about a board begins with."""

    phase: Phase
    phases: list[Phase]
    allowed: list[Standing]
    asked: asking.Asked

    @property
    def context(self) -> dict[str, Any]:
        """Names for the head of such a page: parts/board_head.html."""
        return {
            "challenge": self.phase.challenge,
            "phase": self.phase,
            "phases": self.phases,
            "allowed": self.allowed,
            "asked": self.asked,
            "now": timezone.now(),
        }


def _board(request: HttpRequest, slug: str, phase_slug: str) -> Board:
    """In one query for the phases and one for the organizers: boards are what is looked at most."""
    found = Phase.objects.select_related("challenge", "dataset").prefetch_related("challenge__organizers")
    phases = list(found.filter(challenge__slug=slug))
    phase = next((phase for phase in phases if phase.slug == phase_slug), None)
    if phase is None or not permissions.can_see_challenge(request.user, phase.challenge):
        raise Http404
    allowed = permissions.standings_for(request.user, phase)
    return Board(phase, phases, allowed, asking.Asked.of(request.GET, allowed))


def _page(board: Board) -> boards.Page:
    asked = board.asked
    return boards.page(
        board.phase,
        asked.standing,
        sort=asked.sort.name,
        filters=asked.filters,
        number=asked.number,
        size=boards.PAGE_SIZE,
    )


@require_safe
def leaderboard(request: HttpRequest, slug: str, phase_slug: str) -> HttpResponse:
    """One page of the table, in the order and with the filters that the address names."""
    board = _board(request, slug, phase_slug)
    phase, asked = board.phase, board.asked
    page = _page(board)
    mine = entrants.my_row(request.user, phase, asked.standing)
    elsewhere = mine is not None and all(row.id != mine.pk for row in page)
    is_first = page.number == 1
    out = boards.disqualified(phase)[: MOST_DISQUALIFIED + 1] if is_first else []
    context = board.context | {
        "page": page,
        "columns": asking.headings(phase, asked),
        "miou_sort": asking.aria("miou", asked),
        "class_sorts": [(name, asking.aria(name, asked)) for name in CLASS_NAMES] if asked.classes else [],
        "baseline_choices": asking.BASELINES.items(),
        "limit_choices": asking.LIMITS.items(),
        "has_ties": any(row.is_tied_with_above for row in page),
        "has_other_limits": any(row.ran_under_other_limits for row in page),
        "mine": mine,
        "my_place": entrants.place_of(mine) if mine and elsewhere else None,
        "disqualified": out[:MOST_DISQUALIFIED],
        "more_disqualified": len(out) > MOST_DISQUALIFIED,
        "limits_sentence": limits_text.sentence(phase.limits),
        "most_exported": MOST_EXPORTED,
        "may_edit": permissions.can_edit(request.user, phase.challenge),
    }
    return render(request, "leaderboard.html", context)


@require_safe
def leaderboard_chart(request: HttpRequest, slug: str, phase_slug: str) -> HttpResponse:
    """mIoU against what it costs: the front of the whole board, and the rows of a page of the table."""
    board = _board(request, slug, phase_slug)
    phase, asked = board.phase, board.asked
    page = _page(board)
    mine = entrants.my_row(request.user, phase, asked.standing)
    found = boards.pareto(phase, asked.standing, asked.against, beside=[row.id for row in page])
    points = [*found.front[-MOST_FRONT:], *found.others]
    measure = MEASURES[asked.against]
    chart = scatter.scatter([asking.entry(point, mine.team_id if mine else None) for point in points], measure)
    context = board.context | {
        "page": page,
        "measures": MEASURES.values(),
        "measure": measure,
        "chart": chart,
        "figures": sorted(chart.points, key=lambda point: -point.entry.y) if chart else [],
        "may_edit": permissions.can_edit(request.user, phase.challenge),
    }
    return render(request, "leaderboard_chart.html", context)


@require_safe
def leaderboard_history(request: HttpRequest, slug: str, phase_slug: str) -> HttpResponse:
    """The best score of the phase over time."""
    board = _board(request, slug, phase_slug)
    steps = boards.history(board.phase)
    shown = steps[-MOST_STEPS:]
    reports = entrants.with_report([step.submission.pk for step in shown], board.allowed)
    drawn = [histories.of_step(step, has_report=step.submission.pk in reports) for step in shown]
    context = board.context | {
        "steps": drawn[::-1],
        "left_out": len(steps) - len(shown),
        "chart": histories.history(drawn, min(timezone.now(), board.phase.closes)),
        "may_edit": permissions.can_edit(request.user, board.phase.challenge),
    }
    return render(request, "leaderboard_history.html", context)


@require_safe
def leaderboard_csv(request: HttpRequest, slug: str, phase_slug: str) -> HttpResponseBase:
    """The table as CSV, with the filters of the address, in the order of mIoU."""
    board = _board(request, slug, phase_slug)
    lines = spreadsheets.csv_lines(boards.EXPORT_COLUMNS, _rows(board))
    return _too_many(request) or _file(board, lines, "text/csv; charset=utf-8", "csv")


@require_safe
def leaderboard_json(request: HttpRequest, slug: str, phase_slug: str) -> HttpResponseBase:
    """The same as JSON. The figures are as they were measured: fractions, seconds, bytes."""
    board = _board(request, slug, phase_slug)
    about = {
        "challenge": board.phase.challenge.slug,
        "phase": board.phase.slug,
        "standing": board.asked.standing.value,
        "made": timezone.now().isoformat(timespec="seconds"),
        "most_rows": MOST_EXPORTED,
    }
    return _too_many(request) or _file(board, spreadsheets.json_lines(about, _rows(board)), "application/json", "json")


class _Files(SimpleRateThrottle):
    """A file is a whole board: who asks by the minute waits."""

    scope = "board_file"

    def get_cache_key(self, request: HttpRequest, view: object) -> str:  # type: ignore[override]
        return f"board-file:{self.get_ident(request)}"  # type: ignore[arg-type]


def _too_many(request: HttpRequest) -> HttpResponse | None:
    throttle = _Files()
    if throttle.allow_request(request, None):  # type: ignore[arg-type]
        return None
    wait = math.ceil(throttle.wait() or 1)
    words = f"Too many files in a short time. Ask again in {wait} seconds, or use the API: it has the board in pages.\n"
    return HttpResponse(words, status=429, content_type="text/plain; charset=utf-8", headers={"Retry-After": str(wait)})


def _rows(board: Board) -> Iterator[dict[str, Any]]:
    return islice(boards.export_rows(board.phase, board.asked.standing, board.asked.filters), MOST_EXPORTED)


def _file(board: Board, lines: Iterator[str], content_type: str, suffix: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(lines, content_type=content_type)
    name = f"{board.phase.challenge.slug}-{board.phase.slug}-{board.asked.standing.value}.{suffix}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
