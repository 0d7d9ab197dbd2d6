"""Teams of a challenge: the list, and each one's page."""

from __future__ import annotations

import dataclasses

from django.core.paginator import Paginator
from django.db.models import Count, FloatField, OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from challenge import entrants, permissions
from challenge.agenda import main_phase
from challenge.models import BoardRow, Phase, Standing, Team
from challenge.presentation import history as histories
from challenge.views import finding

LISTED = 50
MOST_MEMBERS = 100
"""Shown; the phases' limit of people in a team is far below."""

MOST_DRAWN = 60


@require_safe
def team_list(request: HttpRequest, slug: str) -> HttpResponse:
    """All teams by name, with a search (`?q=`), in pages."""
    challenge = finding.challenge(request, slug)
    phase = main_phase(list(challenge.phases.all()))
    words = request.GET.get("q", "").replace("\x00", "").strip()[:60]
    teams = challenge.teams.annotate(member_count=Count("memberships")).order_by("name", "pk")
    if words:
        teams = teams.filter(name__icontains=words)
    if phase:
        phase.challenge = challenge
        standing = permissions.standings_for(request.user, phase)[0]
        rows = BoardRow.objects.filter(team=OuterRef("pk"), phase=phase, standing=standing)
        teams = teams.annotate(miou=Subquery(rows.values("miou")[:1], FloatField()))
    context = {
        "challenge": challenge,
        "phase": phase,
        "words": words,
        "page": Paginator(teams, LISTED).get_page(request.GET.get("page")),
        "may_edit": permissions.can_edit(request.user, challenge),
    }
    return render(request, "team_list.html", context)


@dataclasses.dataclass(frozen=True, slots=True)
class PhaseOfTeam:
    """What a team has on the boards of a phase, and how it got there."""

    phase: Phase
    rows: list[tuple[BoardRow, str]]
    steps: list[histories.Step]
    chart: histories.History | None

    @property
    def newest_first(self) -> list[histories.Step]:
        """The steps as a table has them."""
        return self.steps[::-1]


@require_safe
def team(request: HttpRequest, slug: str, team_slug: str) -> HttpResponse:
    """Who is in a team, its submissions on the boards, and its best score over time."""
    challenge = finding.challenge(request, slug)
    found = get_object_or_404(Team, challenge=challenge, slug=team_slug)
    phases = list(challenge.phases.prefetch_related("challenge__organizers"))
    for phase in phases:
        phase.challenge = challenge
    allowed = {phase.pk: permissions.standings_for(request.user, phase) for phase in phases}
    rows = entrants.rows_of(found, allowed)
    way = entrants.way_of(found, phases)
    on_board = {row.submission_id for of_phase in rows.values() for row in of_phase}
    shown = [
        _of_phase(
            phase,
            sorted(rows.get(phase.pk, []), key=lambda row: list(Standing).index(Standing(row.standing))),
            [histories.of_sent(sent, sent.submission in on_board) for sent in way.get(phase.pk, [])[-MOST_DRAWN:]],
        )
        for phase in phases
    ]
    members = found.memberships.select_related("user").order_by("joined", "pk")[:MOST_MEMBERS]
    context = {
        "challenge": challenge,
        "phase": main_phase(phases),
        "team": found,
        "members": [(member.user.get_username(), member.role) for member in members],
        "shown": [one for one in shown if one.rows or one.steps],
        "is_member": any(member.user_id == request.user.pk for member in members),
        "may_edit": permissions.can_edit(request.user, challenge),
    }
    return render(request, "team.html", context)


def _of_phase(phase: Phase, rows: list[BoardRow], steps: list[histories.Step]) -> PhaseOfTeam:
    """Rows of one submission are one line that names all its standings."""
    lines: dict[object, tuple[BoardRow, list[str]]] = {}
    for row in rows:
        line = lines.setdefault((row.submission_id, row.miou), (row, []))
        line[1].append(Standing(row.standing).name.lower())
    chart = histories.history(steps, min(timezone.now(), phase.closes))
    return PhaseOfTeam(phase, [(row, ", ".join(names)) for row, names in lines.values()], steps, chart)
