"""Who is asking, and her teams."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from rest_framework import serializers

from challenge.api.serializers.fields import ClientFields
from challenge.models import Membership, Role


class MemberOut(serializers.ModelSerializer[Membership]):
    """A person in a team."""

    user = serializers.CharField(source="user.username")

    class Meta:
        model = Membership
        fields = ("user", "role", "joined")
        read_only_fields = fields


class TeamOut(serializers.ModelSerializer[Membership]):
    """A team of yours, with what you are in it."""

    challenge = serializers.SlugField(source="challenge.slug")
    name = serializers.CharField(source="team.name")
    slug = serializers.SlugField(source="team.slug")
    role = serializers.ChoiceField(choices=Role.choices)
    disqualified = serializers.CharField(source="team.disqualified_why", help_text="Why; empty: it is not.")
    members = MemberOut(source="team.memberships", many=True)

    class Meta:
        model = Membership
        fields = ("challenge", "name", "slug", "role", "disqualified", "members")
        read_only_fields = fields


class TeamIn(ClientFields):
    """A team of one, of which you are the owner."""

    challenge = serializers.SlugField(max_length=50)
    name = serializers.CharField(max_length=60, help_text="Everybody can see it.")


class MeOut(serializers.ModelSerializer[User]):
    """You, as the site knows you."""

    address_confirmed = serializers.SerializerMethodField()
    organizes = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = ("username", "email", "is_staff", "date_joined", "address_confirmed", "organizes")
        read_only_fields = fields

    def get_address_confirmed(self, user: User) -> bool:
        """You may found and join teams and submit."""
        return bool(self.context["confirmed"])

    def get_organizes(self, user: User) -> list[str]:
        """Challenges you organize, by slug; the newest 100."""
        found: list[str] = list(self.context["organizes"])
        return found


def context_of(user: Any, confirmed: bool, organizes: Any) -> dict[str, Any]:
    """What MeOut needs beside the user."""
    return {"confirmed": confirmed, "organizes": organizes}
