"""Who is asking, and her teams."""

from __future__ import annotations

from django.db.models import Prefetch
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from challenge import permissions, teams
from challenge.api.base import MemberView
from challenge.api.idempotency import idempotent_in_one_transaction
from challenge.api.schema import may_fail, page_of
from challenge.api.serializers.fields import PageQuery
from challenge.api.serializers.people import MeOut, TeamIn, TeamOut, context_of
from challenge.models import Membership
from challenge.presentation import errors

MOST_NAMED = 100


class Me(MemberView):
    """You."""

    @extend_schema(responses={200: MeOut})
    def get(self, request: Request) -> Response:
        """Whose token this is, and what she organizes."""
        organizes = self.user.organized_challenges.order_by("-created").values_list("slug", flat=True)[:MOST_NAMED]
        context = context_of(self.user, permissions.has_confirmed_address(self.user), organizes)
        return Response(MeOut(self.user, context=context).data)


class TeamList(MemberView):
    """Your teams."""

    @extend_schema(parameters=[PageQuery], responses={200: page_of(TeamOut)})
    def get(self, request: Request) -> Response:
        """One in each challenge that you take part in, newest first."""
        self.query(PageQuery)
        members = Prefetch("team__memberships", Membership.objects.select_related("user").order_by("joined", "pk"))
        mine = Membership.objects.filter(user=self.user).select_related("team", "challenge").prefetch_related(members)
        return self.paged(mine.order_by("-joined", "pk"), TeamOut)

    @extend_schema(request=TeamIn, responses={201: TeamOut})
    @may_fail(errors.NOT_FOUND, errors.REFUSED)
    @idempotent_in_one_transaction
    def post(self, request: Request) -> Response:
        """Founds one. Invite others on the site."""
        asked = self.given(TeamIn).validated_data
        challenge = get_object_or_404(permissions.visible_challenges(self.user), slug=asked["challenge"])
        teams.found(challenge, self.user, asked["name"])
        made = Membership.objects.select_related("team", "challenge").get(challenge=challenge, user=self.user)
        return Response(TeamOut(made).data, status.HTTP_201_CREATED)
