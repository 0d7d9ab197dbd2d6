"""The public report of a submission that is on a board."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from challenge import permissions
from challenge.api.base import RELATED, ApiView
from challenge.api.serializers.reports import ReportOut
from challenge.models import Submission
from challenge.presentation import public_report


class ReportDetail(ApiView):
    """A report."""

    @extend_schema(responses={200: ReportOut})
    def get(self, request: Request, pk: UUID) -> Response:
        """Score, limits, host and what its team says of it: for all who may see a board that it is on."""
        found = Submission.objects.select_related(*RELATED).filter(pk=pk).first()
        if found is None or not permissions.can_see_report(request.user, found):
            raise Http404
        shown = public_report.context(request.user, found)
        return Response(ReportOut(shown).data)
