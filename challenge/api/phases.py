"""Phases: dates, limits, quotas; and what organizers do with them."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from challenge import permissions, quotas
from challenge.api.base import ApiView, MemberView
from challenge.api.idempotency import idempotent_in_one_transaction
from challenge.api.schema import may_fail, page_of
from challenge.api.serializers.phases import (
    LimitsIn,
    LimitsOut,
    PhaseOut,
    PhaseQuery,
    QuotaOut,
    RerunIn,
    RerunOut,
)
from challenge.models import Phase, Rerun, Submission
from challenge.organizing import acts, phases, reruns
from challenge.presentation import errors


class PhaseList(ApiView):
    """Phases."""

    @extend_schema(parameters=[PhaseQuery], responses={200: page_of(PhaseOut)})
    def get(self, request: Request) -> Response:
        """Of all challenges that you may see."""
        asked = self.query(PhaseQuery)
        found = permissions.visible_phases(request.user).select_related("challenge", "dataset")
        if "challenge" in asked:
            found = found.filter(challenge__slug=asked["challenge"])
        if asked["open"] is not None:
            now = timezone.now()
            is_open = Q(opens__lte=now, closes__gt=now)
            found = found.filter(is_open if asked["open"] else ~is_open)
        return self.paged(found.order_by("challenge__slug", "position", "id"), PhaseOut)


class PhaseDetail(ApiView):
    """One phase."""

    @extend_schema(responses={200: PhaseOut})
    def get(self, request: Request, pk: int) -> Response:
        """Dates, limits, quotas."""
        return Response(PhaseOut(self.phase(pk)).data)


class PhaseQuota(MemberView):
    """Your team's quota in a phase."""

    @extend_schema(responses={200: QuotaOut})
    @may_fail(errors.REFUSED)
    def get(self, request: Request, pk: int) -> Response:
        """What is used, what is allowed, and why you can't submit now, if so."""
        phase = self.phase(pk)
        return Response(QuotaOut(quotas.quota(phase, self.team_in(phase))).data)


class OrganizerView(MemberView):
    """For the organizers of a phase's challenge, and staff."""

    def phase_to_edit(self, pk: int) -> Phase:
        """Raises PermissionDenied for a phase that she may see but not edit."""
        phase = self.phase(pk)
        if not permissions.can_edit(self.request.user, phase.challenge):
            raise PermissionDenied("Only an organizer of the challenge may do this.")
        return phase


class PhaseLimits(OrganizerView):
    """Limits of a phase."""

    @extend_schema(responses={200: LimitsOut})
    @may_fail(errors.FORBIDDEN)
    def get(self, request: Request, pk: int) -> Response:
        """Those that runs which begin now get."""
        return Response(LimitsOut(self.phase_to_edit(pk).limits).data)

    @extend_schema(request=LimitsIn, responses={200: LimitsOut})
    @may_fail(errors.REFUSED)
    def patch(self, request: Request, pk: int) -> Response:
        """Changes some. Attempts that run or have run keep theirs."""
        phase = self.phase_to_edit(pk)
        wanted = self.given(LimitsIn).validated_data
        try:
            limits = phase.limits.replace(**wanted)
        except ValueError as error:
            raise acts.Refused(str(error), field=str(error).partition(" ")[0]) from None
        phases.set_limits(phase, self.user, limits)
        return Response(LimitsOut(phase.limits).data)


class PhaseRerun(OrganizerView):
    """Running all of a phase again, or some of it."""

    @extend_schema(responses={200: RerunOut})
    @may_fail(errors.FORBIDDEN)
    def get(self, request: Request, pk: int) -> Response:
        """The one under way, or the last. 404 if there was none."""
        return Response(RerunOut(_shown(reruns.newest(self.phase_to_edit(pk)))).data)

    @extend_schema(request=RerunIn, responses={202: RerunOut})
    @may_fail(errors.REFUSED)
    @idempotent_in_one_transaction
    def post(self, request: Request, pk: int) -> Response:
        """Begins: a few at a time, behind what is new. Scores stay until the new ones are there."""
        phase = self.phase_to_edit(pk)
        asked = self.given(RerunIn).validated_data
        chosen = None
        if "submissions" in asked:
            chosen = Submission.objects.filter(phase=phase, pk__in=asked["submissions"])
        reruns.begin(phase, self.user, asked["reason"], chosen)
        return Response(RerunOut(_shown(reruns.newest(phase))).data, status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses={204: None})
    @may_fail(errors.REFUSED)
    def delete(self, request: Request, pk: int) -> Response:
        """Calls it off: what is not queued yet stays as it is."""
        reruns.call_off(self.phase_to_edit(pk), self.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _shown(rerun: Rerun | None) -> dict[str, object]:
    if rerun is None:
        raise Http404
    done, total = reruns.progress(rerun)
    is_under_way = rerun.called_off_at is None and done < total
    return {
        "why": rerun.why, "which": rerun.which, "created": rerun.created,
        "done": done, "total": total, "is_under_way": is_under_way,
    }  # fmt: skip
