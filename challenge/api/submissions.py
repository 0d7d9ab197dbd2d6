"""Submissions: send, list, watch, describe, cancel, choose."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from challenge import describing, permissions, ranking, submissions, uploads
from challenge.admission import Description
from challenge.api.base import MemberView
from challenge.api.idempotency import idempotent
from challenge.api.problems import InProgress
from challenge.api.schema import may_fail, page_of
from challenge.api.serializers.submissions import (
    AttemptOut,
    DescriptionIn,
    SubmissionBrief,
    SubmissionIn,
    SubmissionOut,
    SubmissionQuery,
)
from challenge.describing import WORDS
from challenge.models import Attempt, State, Submission
from challenge.presentation import errors


def narrowed(found: QuerySet[Submission], asked: dict[str, Any]) -> QuerySet[Submission]:
    """Those of them that a SubmissionQuery asks for, with what a line of a list shows, newest first."""
    names = {"challenge": "phase__challenge__slug", "phase": "phase", "state": "state", "kind": "kind"}
    names["team"] = "team__slug"
    found = found.filter(**{names[name]: asked[name] for name in names if name in asked})
    if asked["disqualified"] is not None:
        found = found.filter(disqualified_at__isnull=not asked["disqualified"])
    done = Attempt.objects.filter(submission=OuterRef("pk"), state="done").order_by("-number")
    found = found.annotate(latest_verdict=Subquery(done.values("verdict")[:1]))
    return found.select_related("phase__challenge", "team", "score").order_by("-created", "id")


class SubmissionView(MemberView):
    """Answers with a submission."""

    new_id: UUID | None = None

    def shown(self, submission: Submission) -> Any:
        """A submission as its team sees it."""
        return SubmissionOut(submission, context={"request": self.request}).data


class SubmissionList(SubmissionView):
    """Submissions."""

    parser_classes = (MultiPartParser,)

    @extend_schema(parameters=[SubmissionQuery], responses={200: page_of(SubmissionBrief)})
    def get(self, request: Request) -> Response:
        """Those of your teams, newest first."""
        asked = self.query(SubmissionQuery)
        return self.paged(narrowed(permissions.own_submissions(request.user), asked), SubmissionBrief)

    @extend_schema(request={"multipart/form-data": SubmissionIn}, responses={201: SubmissionOut})
    @may_fail(errors.NOT_FOUND, errors.REFUSED)
    @idempotent
    def post(self, request: Request) -> Response:
        """Uploads a file, and queues it as a submission of your team. Large ones: see `/uploads/`."""
        asked = self.given(SubmissionIn)
        fields: dict[str, Any] = asked.validated_data
        made = _cut_off(self)
        if made is None:
            phase = self.phase(fields["phase"])
            made = submissions.create(
                phase=phase,
                team=self.team_in(phase),
                user=self.user,
                kind=fields["kind"],
                base=fields["base"],
                upload=fields["file"],
                pk=self.new_id,
                **asked.about,
            )
        return Response(self.shown(made), status.HTTP_201_CREATED)


def _cut_off(view: SubmissionList) -> Submission | None:
    """What the same request has made when it was sent before, gone on with; None: nothing is left of it."""
    if view.new_id is None:
        return None
    found = permissions.own_submissions(view.user).filter(pk=view.new_id).first()
    if found is None or not submissions.resume(found):
        return None
    if found.state == State.UPLOADING:
        raise InProgress
    return found


class SubmissionDetail(SubmissionView):
    """One submission."""

    @extend_schema(responses={200: SubmissionOut})
    def get(self, request: Request, pk: UUID) -> Response:
        """Its state, its place in the queue, its last attempt with verdict and log, its score."""
        return Response(self.shown(self.submission(pk)))

    @extend_schema(request=DescriptionIn, responses={200: SubmissionOut})
    @may_fail(errors.REFUSED)
    def patch(self, request: Request, pk: UUID) -> Response:
        """What its team says of it, put right. What is left out stays."""
        submission = self.submission(pk)
        if not permissions.can_describe(request.user, submission):
            raise Http404
        about = {name: getattr(submission, name) for name in WORDS} | self.given(DescriptionIn).about
        describing.describe(submission, Description(**about), self.user)
        return Response(self.shown(self.submission(pk)))


class SubmissionAttempts(MemberView):
    """The attempts of a submission."""

    @extend_schema(responses={200: AttemptOut(many=True)})
    def get(self, request: Request, pk: UUID) -> Response:
        """Oldest first, each with the limits it ran under; of very many the newest 100."""
        submission = self.submission(pk)
        newest = list(submission.attempts.order_by("-number")[:100])
        for attempt in newest:
            attempt.submission = submission
        return Response(AttemptOut(newest[::-1], many=True, context={"request": request}).data)


class SubmissionCancel(SubmissionView):
    """Ending a submission that is not done."""

    @extend_schema(request=None, responses={200: SubmissionOut})
    @may_fail(errors.REFUSED)
    def post(self, request: Request, pk: UUID) -> Response:
        """At once if it waits, within seconds if it runs."""
        submission = self.submission(pk)
        if not permissions.can_cancel(request.user, submission):
            raise Http404
        submissions.cancel(submission, by=self.user)
        uploads.remove(submission)
        return Response(self.shown(submission))


class SubmissionChoose(SubmissionView):
    """Which submission a team is judged by in the final standing."""

    @extend_schema(request=None, responses={200: SubmissionOut})
    @may_fail(errors.REFUSED)
    def post(self, request: Request, pk: UUID) -> Response:
        """This one, in place of any other."""
        submission = self.of_team(pk)
        ranking.choose_final(submission, self.user)
        return Response(self.shown(submission))

    @extend_schema(request=None, responses={200: SubmissionOut})
    @may_fail(errors.REFUSED)
    def delete(self, request: Request, pk: UUID) -> Response:
        """Not this one: the team's best by its public score stands for it again."""
        submission = self.of_team(pk)
        ranking.unchoose_final(submission, self.user)
        return Response(self.shown(submission))

    def of_team(self, pk: UUID) -> Submission:
        """Raises Http404 for one that is not of the user's team."""
        submission = self.submission(pk)
        if not permissions.can_choose_final(self.request.user, submission):
            raise Http404
        return submission
