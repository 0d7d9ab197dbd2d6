"""The routes of the API: permission, call, answer."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import generics, serializers, status
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from challenge import leaderboard, permissions, submissions, teams
from challenge.api.problems import Problem
from challenge.api.serializers import BoardRowOut, PhaseOut, SubmissionIn, SubmissionOut
from challenge.models import Phase, Submission

MOST_PER_PAGE = 200

Board = inline_serializer(
    "Board",
    {
        "count": serializers.IntegerField(),
        "page": serializers.IntegerField(),
        "pages": serializers.IntegerField(),
        "results": BoardRowOut(many=True),
    },
)
NOT_FOUND = {404: OpenApiResponse(Problem, "There is none with this id that you may see.")}


def _phases(request: Request) -> QuerySet[Phase]:
    return permissions.visible_phases(request.user).select_related("challenge", "dataset")


class PhaseList(generics.ListAPIView[Phase]):
    """Phases of all public challenges."""

    serializer_class = PhaseOut

    def get_queryset(self) -> QuerySet[Phase]:
        return _phases(self.request).order_by("challenge__slug", "position", "id")


class PhaseDetail(generics.RetrieveAPIView[Phase]):
    """One phase: dates, limits, quotas."""

    serializer_class = PhaseOut

    def get_queryset(self) -> QuerySet[Phase]:
        return _phases(self.request)


class Leaderboard(APIView):
    """The board of a phase: each team's best submission, best first."""

    @extend_schema(
        parameters=[
            OpenApiParameter("page", OpenApiTypes.INT, description="From 1."),
            OpenApiParameter("page_size", OpenApiTypes.INT, description=f"At most {MOST_PER_PAGE}."),
        ],
        responses={200: Board, **NOT_FOUND},
    )
    def get(self, request: Request, pk: int) -> Response:
        """A page of the board."""
        phase = generics.get_object_or_404(_phases(request), pk=pk)
        size = _number(request, "page_size", leaderboard.PAGE_SIZE, MOST_PER_PAGE)
        page = leaderboard.page(phase, number=_number(request, "page", 1, 10**9), size=size)
        return Response(
            {
                "count": page.total,
                "page": page.number,
                "pages": page.pages,
                "results": BoardRowOut(cast(Any, page.rows), many=True).data,
            }
        )


class SubmissionList(generics.ListAPIView[Submission]):
    """Submissions of your teams, newest first; a POST adds one."""

    permission_classes = (IsAuthenticated,)
    serializer_class = SubmissionOut
    parser_classes = (MultiPartParser,)

    def get_queryset(self) -> QuerySet[Submission]:
        if not self.request.user.is_authenticated:  # The schema is drawn by nobody.
            return Submission.objects.none()
        mine = permissions.own_submissions(self.request.user)
        return mine.select_related("phase__challenge", "team", "score").order_by("-created", "id")

    @extend_schema(
        request={"multipart/form-data": SubmissionIn},
        responses={
            201: SubmissionOut,
            400: OpenApiResponse(Problem, "A field is missing or wrong."),
            409: OpenApiResponse(Problem, "Closed, over a quota, no team yet, or not a file of that kind."),
            **NOT_FOUND,
        },
    )
    def post(self, request: Request) -> Response:
        """Uploads and queues a submission of your team."""
        asked = SubmissionIn(data=request.data)
        asked.is_valid(raise_exception=True)
        fields: dict[str, Any] = asked.validated_data
        phase = _phases(request).filter(pk=fields["phase"]).first()
        if phase is None:
            raise Http404
        user = request.user
        assert isinstance(user, User)
        team = teams.team_of(user, phase.challenge)
        if team is None:
            raise submissions.Refused("You are in no team of this challenge yet. Make or join one on the site first.")
        submission = submissions.create(
            phase=phase,
            team=team,
            user=user,
            kind=fields["kind"],
            base=fields["base"],
            upload=fields["file"],
            **asked.about,
        )
        shown = SubmissionOut(submission, context={"request": request})
        return Response(shown.data, status=status.HTTP_201_CREATED)


class SubmissionDetail(generics.RetrieveAPIView[Submission]):
    """One submission: state, place in the queue, verdict, scores, log."""

    permission_classes = (IsAuthenticated,)
    serializer_class = SubmissionOut

    def get_queryset(self) -> QuerySet[Submission]:
        visible = permissions.visible_submissions(self.request.user)
        return visible.select_related("phase__challenge", "team", "score")


class SubmissionCancel(APIView):
    """Ends a submission that is not done."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(
        request=None,
        responses={200: SubmissionOut, 409: OpenApiResponse(Problem, "It is done already."), **NOT_FOUND},
    )
    def post(self, request: Request, pk: str) -> Response:
        """At once if it waits, within seconds if it runs."""
        visible = permissions.visible_submissions(request.user)
        submission = generics.get_object_or_404(visible.select_related("phase__challenge", "team"), pk=pk)
        user = request.user
        assert isinstance(user, User)
        if not permissions.can_cancel(user, submission):
            raise Http404
        submissions.cancel(submission, by=user)
        return Response(SubmissionOut(submission, context={"request": request}).data)


def _number(request: Request, name: str, default: int, most: int) -> int:
    """A whole number from the query string, from 1 to `most`; anything else is the default or the nearest."""
    text = request.query_params.get(name, "")
    return min(max(1, int(text)), most) if text.isascii() and text.isdigit() and len(text) < 12 else default
