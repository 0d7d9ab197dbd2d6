"""What the routes have in common: who asks, pages of lists, answers that need not be sent twice."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from django.contrib.auth.models import User
from django.db.models import Model, QuerySet
from django.shortcuts import get_object_or_404
from django.views.decorators.http import conditional_page
from rest_framework.pagination import PageNumberPagination
from rest_framework.permissions import IsAuthenticated, IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from challenge import permissions, teams
from challenge.admission import Refused
from challenge.models import Challenge, Phase, Submission, Team

PAGE_SIZE = 50
MOST_PER_PAGE = 200
MOST_PAGES = 1_000_000

Record = TypeVar("Record", bound=Model)

RELATED = ("phase__challenge", "phase__dataset", "team", "creator", "score__attempt")
"""Of a submission, what its answer shows."""


class Texts(dict[str, Any]):
    """Fields that came as text, all of them, as in an address: a number among them is one in digits."""


class Pages(PageNumberPagination):
    """`page` and `page_size` choose; `next` and `previous` are addresses."""

    page_size = PAGE_SIZE
    page_size_query_param = "page_size"
    max_page_size = MOST_PER_PAGE


class ApiView(APIView):
    """Permission, call, answer. `If-None-Match` gets 304 while nothing has changed."""

    permission_classes: Any = (IsAuthenticatedOrReadOnly,)
    has_tags = True  # Answers to GET carry an ETag.

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """Each answer gets a tag of its content."""
        return conditional_page(super().as_view(**initkwargs))

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Answers are for who asked, and are to be asked for again."""
        response = super().finalize_response(request, response, *args, **kwargs)
        response.headers.setdefault("Cache-Control", "private, no-cache")
        return response

    @property
    def user(self) -> User:
        """Who asks, where somebody must be logged in."""
        return cast(User, self.request.user)

    def query(self, serializer: type[BaseSerializer[Any]]) -> dict[str, Any]:
        """The parameters of the address, checked. Raises ValidationError."""
        asked = serializer(data=Texts(self.request.query_params.dict()))
        asked.is_valid(raise_exception=True)
        return cast(dict[str, Any], asked.validated_data)

    def given(self, serializer: type[BaseSerializer[Any]]) -> Any:
        """The body, checked. Raises ValidationError."""
        asked = serializer(data=self.request.data)
        asked.is_valid(raise_exception=True)
        return asked

    def paged(self, found: QuerySet[Record], serializer: type[BaseSerializer[Any]]) -> Response:
        """One page of a list."""
        pages = Pages()
        rows = pages.paginate_queryset(found, self.request, view=self)
        shown = serializer(cast(Any, rows), many=True, context={"request": self.request})
        return pages.get_paginated_response(cast(Any, shown.data))

    # Records as this user may see them: 404 for what is absent and what is hidden alike.

    def challenge(self, slug: str) -> Challenge:
        return get_object_or_404(permissions.visible_challenges(self.request.user), slug=slug)

    def phase(self, pk: int) -> Phase:
        phases = permissions.visible_phases(self.request.user).select_related("challenge", "dataset")
        return get_object_or_404(phases, pk=pk)

    def submission(self, pk: Any) -> Submission:
        visible = permissions.visible_submissions(self.request.user).select_related(*RELATED)
        return get_object_or_404(visible, pk=pk)

    def team_in(self, phase: Phase) -> Team:
        """The user's team there. Raises Refused if she has none."""
        team = teams.team_of(self.user, phase.challenge)
        if team is None:
            raise Refused("You are in no team of this challenge yet. Make or join one on the site first.")
        return team


class MemberView(ApiView):
    """For those who are logged in."""

    permission_classes = (IsAuthenticated,)
