"""What organizers do to submissions, and the tables they take away."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from challenge import permissions, ranking
from challenge.api.base import MemberView
from challenge.api.idempotency import idempotent_in_one_transaction
from challenge.api.schema import may_fail, page_of
from challenge.api.serializers.fields import ReasonIn
from challenge.api.serializers.submissions import SubmissionBrief, SubmissionOut, SubmissionQuery
from challenge.api.submissions import SubmissionView, narrowed
from challenge.models import Submission
from challenge.organizing import reruns
from challenge.organizing.exports import TABLES
from challenge.presentation import errors, exports
from challenge.presentation.exports import FORMS

ONLY_ORGANIZERS = "Only an organizer of the challenge may do this."


class AnyRenderer(BaseRenderer):
    """Lets an Accept header ask for a file; what the file is, its address says."""

    media_type = "*/*"
    format = "file"

    def render(self, data: object, *args: object, **kwargs: object) -> bytes:
        """Of nothing: files are answered as they are."""
        return b""


class ChallengeSubmissions(MemberView):
    """All submissions to a challenge."""

    @extend_schema(parameters=[SubmissionQuery], responses={200: page_of(SubmissionBrief)})
    @may_fail(errors.FORBIDDEN)
    def get(self, request: Request, slug: str) -> Response:
        """For its organizers: of all teams, newest first."""
        challenge = self.challenge(slug)
        if not permissions.can_edit(request.user, challenge):
            raise PermissionDenied(ONLY_ORGANIZERS)
        asked = self.query(SubmissionQuery)
        return self.paged(narrowed(Submission.objects.filter(phase__challenge=challenge), asked), SubmissionBrief)


class ChallengeExport(MemberView):
    """A table of a challenge, as a file."""

    has_tags = False
    renderer_classes = (JSONRenderer, AnyRenderer)

    @extend_schema(
        parameters=[
            OpenApiParameter("what", str, OpenApiParameter.PATH, enum=sorted(TABLES)),
            OpenApiParameter("form", str, OpenApiParameter.PATH, enum=sorted(FORMS)),
        ],
        responses={
            (200, "application/json"): inline_serializer(
                "Table",
                {
                    "challenge": serializers.SlugField(),
                    "made": serializers.DateTimeField(),
                    "rows": serializers.ListField(child=serializers.DictField()),
                },
            ),
            (200, "text/csv"): OpenApiTypes.STR,
        },
    )
    @may_fail(errors.FORBIDDEN)
    def get(self, request: Request, slug: str, what: str, form: str) -> HttpResponseBase:
        """For its organizers: submissions, teams or the audit trail, as CSV or JSON."""
        challenge = self.challenge(slug)
        if not permissions.can_edit(request.user, challenge):
            raise PermissionDenied(ONLY_ORGANIZERS)
        if what not in TABLES or form not in FORMS:
            raise Http404
        return exports.download(challenge, what, form)


class OrganizerActView(SubmissionView):
    """Something an organizer does to one submission."""

    def to_act_on(self, pk: UUID) -> Submission:
        """Raises PermissionDenied for one of her own team, or that she may only see."""
        submission = self.submission(pk)
        if not permissions.can_disqualify(self.request.user, submission):
            raise PermissionDenied(ONLY_ORGANIZERS)
        return submission


class SubmissionRerun(OrganizerActView):
    """Running a submission again."""

    @extend_schema(request=None, responses={200: SubmissionOut})
    @may_fail(errors.REFUSED)
    @idempotent_in_one_transaction
    def post(self, request: Request, pk: UUID) -> Response:
        """Queues it again, at no cost to its team. Its score stays until the new attempt is done."""
        submission = self.to_act_on(pk)
        reruns.one(submission, self.user)
        return Response(self.shown(submission))


class SubmissionDisqualify(OrganizerActView):
    """Taking a submission out of every ranking."""

    @extend_schema(request=ReasonIn, responses={200: SubmissionOut})
    @may_fail(errors.REFUSED)
    def post(self, request: Request, pk: UUID) -> Response:
        """With a reason, which everybody may read."""
        submission = self.to_act_on(pk)
        ranking.disqualify(submission, self.user, self.given(ReasonIn).validated_data["reason"])
        return Response(self.shown(self.submission(pk)))


class SubmissionReinstate(OrganizerActView):
    """Taking a disqualification back."""

    @extend_schema(request=ReasonIn, responses={200: SubmissionOut})
    @may_fail(errors.REFUSED)
    def post(self, request: Request, pk: UUID) -> Response:
        """It is ranked again as if nothing had been."""
        submission = self.to_act_on(pk)
        ranking.reinstate(submission, self.user, self.given(ReasonIn).validated_data["reason"])
        return Response(self.shown(self.submission(pk)))
