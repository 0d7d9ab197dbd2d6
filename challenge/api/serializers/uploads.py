"""Uploads in pieces: what is announced, and how far one is."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field, inline_serializer
from rest_framework import serializers

from challenge import uploads
from challenge.api.serializers.fields import MOST_NUMBER
from challenge.api.serializers.submissions import DescriptionFields
from challenge.models import Kind, Submission

MOST_BYTES = 2**40
"""Of a number of bytes that is read at all. How many a phase takes is for its limits to say."""


class UploadIn(DescriptionFields):
    """What a client may say about an upload that will come in pieces."""

    phase = serializers.IntegerField(min_value=1, max_value=MOST_NUMBER, help_text="Id of the phase.")
    kind = serializers.ChoiceField(choices=Kind.choices)
    base = serializers.CharField(
        max_length=30,
        required=False,
        default="",
        allow_blank=True,
        help_text="Base image of a code submission; empty: the first that is offered.",
    )
    file_name = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    size = serializers.IntegerField(min_value=0, max_value=MOST_BYTES, help_text="Bytes of the whole file.")
    sha256 = serializers.RegexField(
        "^[0-9a-fA-F]{64}$", required=False, default="", help_text="Of the whole file: nothing else is taken then."
    )

    def validate_sha256(self, value: str) -> str:
        """Small letters, as hashlib writes them."""
        return value.lower()


class UploadOut(serializers.ModelSerializer[Submission]):
    """How far an upload is. Once its state is `queued` it is an ordinary submission with this id."""

    offset = serializers.SerializerMethodField()
    size = serializers.IntegerField(source="file_bytes")
    beginning = serializers.SerializerMethodField()

    class Meta:
        model = Submission
        fields = ("id", "state", "phase", "kind", "title", "file_name", "offset", "size", "beginning")
        read_only_fields = fields

    def get_offset(self, submission: Submission) -> int:
        """Bytes that are here: go on from this one."""
        return uploads.offset(submission)

    @extend_schema_field(
        inline_serializer("Beginning", {"bytes": serializers.IntegerField(), "sha256": serializers.CharField()})
    )
    def get_beginning(self, submission: Submission) -> dict[str, Any]:
        """Checksum of its first bytes, at most 1 MiB: is a file that is chosen again the same?"""
        length, digest = uploads.beginning(submission)
        return {"bytes": length, "sha256": digest}
