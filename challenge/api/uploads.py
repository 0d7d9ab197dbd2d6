"""Uploads in pieces: begin one, ask how far it is, add to it, give it up."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.contrib.auth.models import User
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import exceptions, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import UserRateThrottle

from challenge import permissions, submissions, uploads
from challenge.api import tus
from challenge.api.base import MemberView
from challenge.api.idempotency import idempotent
from challenge.api.problems import Gone, TooLarge, problem
from challenge.api.schema import may_fail
from challenge.api.serializers.uploads import UploadIn, UploadOut
from challenge.models import State, Submission
from challenge.presentation import errors

_OFFSET = OpenApiParameter(
    "Upload-Offset", OpenApiTypes.INT, OpenApiParameter.HEADER, required=True, description="Where these bytes begin."
)
_CHECKSUM = OpenApiParameter(
    "Upload-Checksum",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="`sha256 ` and the digest of this piece in base64. It is then kept whole or not at all; "
    f"at most {uploads.MOST_CHECKED_BYTES:,} bytes.",
)


_STANDS_AT = OpenApiParameter(
    "Upload-Offset", OpenApiTypes.INT, OpenApiParameter.HEADER, response=[200, 204, 409, 460],
    description="Bytes that are here.",
)  # fmt: skip
_HAS = OpenApiParameter(
    "Upload-Length", OpenApiTypes.INT, OpenApiParameter.HEADER, response=[200], description="Bytes of the whole file."
)
_LOCATION = OpenApiParameter(
    "Location", OpenApiTypes.URI, OpenApiParameter.HEADER, response=[201], description="Where its bytes go."
)


class UploadThrottle(UserRateThrottle):
    """Pieces are many."""

    scope = "upload"


class TusView(MemberView):
    """What all answers have in common."""

    has_tags = False

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """As always; and the version must be ours."""
        super().initial(request, *args, **kwargs)
        tus.check_version(request)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Every answer names the version; none is kept by a cache."""
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Tus-Resumable"] = tus.VERSION
        response["Cache-Control"] = "no-store"
        if response.status_code == status.HTTP_412_PRECONDITION_FAILED:
            response["Tus-Version"] = tus.VERSION
        return response

    @extend_schema(exclude=True)
    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Response:
        """What of the protocol is spoken here."""
        return Response(status=status.HTTP_204_NO_CONTENT, headers=tus.abilities())


class UploadList(TusView):
    """New uploads."""

    new_id: UUID | None = None

    @extend_schema(request=UploadIn, parameters=[_LOCATION], responses={201: UploadOut})
    @may_fail(errors.NOT_FOUND, errors.REFUSED, errors.VERSION)
    @idempotent
    def post(self, request: Request) -> Response:
        """Takes a place of your team's quota for an upload whose bytes come after. `Location` is where they go."""
        given = tus.fields(cast(Any, request)) if "Upload-Length" in request.headers else request.data
        asked = UploadIn(data=given)
        asked.is_valid(raise_exception=True)
        begun = None if self.new_id is None else permissions.own_uploads(self.user).filter(pk=self.new_id).first()
        if begun is None:
            wanted = {name: asked.validated_data[name] for name in ("kind", "base", "file_name", "size", "sha256")}
            phase = self.phase(asked.validated_data["phase"])
            begun = submissions.begin(
                phase=phase, team=self.team_in(phase), user=self.user, pk=self.new_id, **wanted, **asked.about
            )
        where = request.build_absolute_uri(reverse("api_upload", args=[begun.pk]))
        return Response(UploadOut(begun).data, status.HTTP_201_CREATED, headers={"Location": where})


class UploadDetail(TusView):
    """One upload."""

    throttle_classes = (UploadThrottle,)

    def _mine(self, pk: UUID) -> Submission:
        """Raises Http404 for anybody else's, Gone for one that was ended before it was complete."""
        found = permissions.own_uploads(self.request.user).select_related("phase__challenge", "team", "creator")
        submission = found.filter(pk=pk).first()
        if submission is None:
            raise Http404
        if submission.state == State.CANCELLED:
            raise Gone
        return submission

    @extend_schema(parameters=[_STANDS_AT, _HAS], responses={200: OpenApiResponse(description="See the headers.")})
    @may_fail(errors.REFUSED, errors.GONE, errors.VERSION)
    def head(self, request: Request, pk: UUID) -> Response:
        """How many bytes are here. One that is complete, but was cut off before it was queued, is queued now."""
        submission = self._mine(pk)
        offset = uploads.offset(submission)
        if offset == submission.file_bytes:
            submissions.complete(submission)
        headers = {"Upload-Offset": str(offset), "Upload-Length": str(submission.file_bytes)}
        return Response(headers=headers)

    @extend_schema(responses={200: UploadOut})
    @may_fail(errors.GONE, errors.VERSION)
    def get(self, request: Request, pk: UUID) -> Response:
        """How far it is."""
        return Response(UploadOut(self._mine(pk)).data)

    @extend_schema(
        parameters=[_OFFSET, _CHECKSUM, _STANDS_AT],
        request={tus.CONTENT_TYPE: OpenApiTypes.BINARY},
        responses={204: OpenApiResponse(description="Kept. The last piece queues it.")},
    )
    @may_fail(errors.REFUSED, errors.OUT_OF_STEP, errors.GONE, errors.LENGTH, errors.VERSION, errors.CHECKSUM)
    def patch(self, request: Request, pk: UUID) -> HttpResponseBase:
        """Adds bytes at the end. What breaks off is kept as far as it came, unless it has a checksum."""
        if request.content_type != tus.CONTENT_TYPE:
            raise exceptions.UnsupportedMediaType(
                request.content_type, detail=f"Send the bytes as Content-Type: {tus.CONTENT_TYPE}."
            )
        submission, plain = self._mine(pk), cast(Any, request)
        begins, length = tus.number(plain, "Upload-Offset"), tus.body_length(plain)
        checksum = tus.checksum(plain)
        try:
            offset = submissions.receive(submission, begins, request._request, length, checksum)
        except uploads.OutOfStep as error:
            return problem(errors.OUT_OF_STEP, str(error), {"Upload-Offset": str(error.offset)})
        except uploads.WrongChecksum as error:
            return problem(errors.CHECKSUM, str(error), {"Upload-Offset": str(uploads.offset(submission))})
        except uploads.TooMuch as error:
            raise TooLarge(str(error)) from None
        except uploads.Over:
            raise Gone from None
        except uploads.BrokeOff as error:
            return problem(errors.UNREADABLE, str(error))
        return Response(status=status.HTTP_204_NO_CONTENT, headers={"Upload-Offset": str(offset)})

    @extend_schema(responses={204: None})
    @may_fail(errors.REFUSED, errors.GONE, errors.VERSION)
    def delete(self, request: Request, pk: UUID) -> Response:
        """Gives it up. Its place in the quota is free again."""
        submission = self._mine(pk)
        if submission.state != State.UPLOADING:
            raise submissions.Refused("This upload is complete. Cancel the submission instead.")
        submissions.cancel(submission, by=cast(User, request.user))
        uploads.remove(submission)
        return Response(status=status.HTTP_204_NO_CONTENT)
