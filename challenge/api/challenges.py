"""Challenges, their pages and their news."""

from __future__ import annotations

from django.db.models import Prefetch
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from challenge import permissions
from challenge.api.base import ApiView
from challenge.api.schema import page_of
from challenge.api.serializers.challenges import ChallengeDetailOut, ChallengeOut, NewsOut, PageOut
from challenge.api.serializers.fields import PageQuery
from challenge.models import Phase

_PHASES = Prefetch("phases", Phase.objects.order_by("position", "id"))


class ChallengeList(ApiView):
    """Challenges."""

    @extend_schema(parameters=[PageQuery], responses={200: page_of(ChallengeOut)})
    def get(self, request: Request) -> Response:
        """Those you may see, newest first."""
        self.query(PageQuery)
        found = permissions.visible_challenges(request.user).prefetch_related(_PHASES)
        return self.paged(found.order_by("-created", "pk"), ChallengeOut)


class ChallengeDetail(ApiView):
    """One challenge."""

    @extend_schema(responses={200: ChallengeDetailOut})
    def get(self, request: Request, slug: str) -> Response:
        """Its texts in Markdown, its phases, and the names of its pages."""
        return Response(ChallengeDetailOut(self.challenge(slug)).data)


class ChallengePage(ApiView):
    """A page of a challenge."""

    @extend_schema(responses={200: PageOut})
    def get(self, request: Request, slug: str, page: str) -> Response:
        """Its text, in Markdown."""
        return Response(PageOut(get_object_or_404(self.challenge(slug).pages, slug=page)).data)


class NewsList(ApiView):
    """News of a challenge."""

    @extend_schema(parameters=[PageQuery], responses={200: page_of(NewsOut)})
    def get(self, request: Request, slug: str) -> Response:
        """What its organizers announced, newest first."""
        self.query(PageQuery)
        return self.paged(self.challenge(slug).announcements.order_by("-at", "-pk"), NewsOut)
