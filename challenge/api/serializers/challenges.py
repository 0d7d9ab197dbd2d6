"""Challenges, their pages and their news."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from challenge.models import Announcement, Challenge, Page, Phase


class PhaseBrief(serializers.ModelSerializer[Phase]):
    """A phase, by name; `/phases/ID/` has the rest."""

    is_open = serializers.BooleanField(help_text="Between its dates.")

    class Meta:
        model = Phase
        fields = ("id", "slug", "title", "opens", "closes", "is_open")
        read_only_fields = fields


class ChallengeOut(serializers.ModelSerializer[Challenge]):
    """A challenge with its phases."""

    phases = PhaseBrief(many=True)
    is_public = serializers.BooleanField(help_text="False only for its organizers, before it goes live.")

    class Meta:
        model = Challenge
        fields = (
            "slug",
            "title",
            "summary",
            "licence",
            "licence_url",
            "is_public",
            "largest_team",
            "teams_close",
            "phases",
        )
        read_only_fields = fields


class PageBrief(serializers.ModelSerializer[Page]):
    """A page of a challenge, by name."""

    class Meta:
        model = Page
        fields = ("slug", "title")
        read_only_fields = fields


class ChallengeDetailOut(ChallengeOut):
    """A challenge with its texts, in Markdown as its organizers wrote them."""

    pages = PageBrief(many=True)

    class Meta(ChallengeOut.Meta):
        fields: Any = (*ChallengeOut.Meta.fields, "description", "data_notes", "pages")
        read_only_fields: Any = fields


class PageOut(serializers.ModelSerializer[Page]):
    """A page of a challenge, in Markdown."""

    class Meta:
        model = Page
        fields = ("slug", "title", "body")
        read_only_fields = fields


class NewsOut(serializers.ModelSerializer[Announcement]):
    """What the organizers announced, in Markdown."""

    class Meta:
        model = Announcement
        fields = ("title", "body", "at")
        read_only_fields = fields
