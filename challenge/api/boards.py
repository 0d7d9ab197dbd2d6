"""Boards, and the best score over time."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from challenge import leaderboard
from challenge.api.base import ApiView
from challenge.api.serializers.boards import BoardOut, BoardQuery, StepOut
from challenge.leaderboard import Filters, Page
from challenge.models import Phase, Standing


class Leaderboard(ApiView):
    """The board of a phase."""

    @extend_schema(parameters=[BoardQuery], responses={200: BoardOut})
    def get(self, request: Request, pk: int) -> Response:
        """A page of it: each team once. Beyond its end, the last page."""
        phase = self.phase(pk)
        asked = self.query(BoardQuery)
        page = leaderboard.page(
            phase,
            self._standing(phase, asked.get("standing")),
            sort=asked["sort"],
            filters=Filters(baselines=asked["baselines"], limits=asked["limits"], since=asked["since"]),
            number=asked["page"],
            size=asked["page_size"],
        )
        return Response(BoardOut(_shown(request, page)).data)

    def _standing(self, phase: Phase, wanted: str | None) -> Standing:
        allowed = leaderboard.standings_for(self.request.user, phase)
        if wanted is None:
            return allowed[0]
        for standing in allowed:
            if standing == wanted:
                return standing
        raise ValidationError({"standing": [f"This board is not public yet; there are {', '.join(allowed)}."]})


def _shown(request: Request, page: Page) -> dict[str, Any]:
    def address(number: int | None) -> str | None:
        here = request.build_absolute_uri()
        return None if number is None else str(replace_query_param(here, "page", str(number)))

    return {
        "count": page.total,
        "page": page.number,
        "pages": page.pages,
        "standing": page.standing,
        "next": address(page.next_number),
        "previous": address(page.previous_number),
        "results": page.rows,
    }


class History(ApiView):
    """The best score of a phase over time."""

    @extend_schema(responses={200: StepOut(many=True)})
    def get(self, request: Request, pk: int) -> Response:
        """Its steps, first to last; of a long history the newest 500."""
        return Response(StepOut(leaderboard.history(self.phase(pk)), many=True).data)  # type: ignore[arg-type]
