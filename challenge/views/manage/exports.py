"""Files that organizers take away: tables as CSV and JSON, streamed; label maps of chosen submissions as one zip."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterable
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from challenge import kept
from challenge.models import Challenge, Submission
from challenge.presentation import exports
from challenge.views import finding

MOST_ZIP_BYTES = 2 * 1024**3
"""What does not fit is named in the zip's `left-out.txt`."""


@login_required
@require_safe
def manage_export(request: HttpRequest, slug: str, what: str, form: str) -> HttpResponseBase:
    """Submissions with their scores, who takes part, or the audit trail."""
    challenge = finding.challenge_to_edit(request, slug)
    return exports.download(challenge, what, form)


def predictions_of(challenge: Challenge, chosen: QuerySet[Submission]) -> FileResponse:
    """The kept label maps of submissions: a zip a submission in one zip, which is closed when the answer is sent."""
    packed = tempfile.TemporaryFile(prefix="parakh-predictions-")  # noqa: SIM115  (the answer closes it)
    left_out = _pack(packed, chosen.select_related("score__attempt", "team", "phase"))
    packed.seek(0)
    name = f"{challenge.slug}-predictions.zip"
    response = FileResponse(packed, as_attachment=True, filename=name, content_type="application/zip")
    response["X-Left-Out"] = str(left_out)
    return response


def _pack(packed: Any, chosen: Iterable[Submission]) -> int:
    left_out = []
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as whole:
        for one in chosen:
            try:
                if one.score is None or packed.tell() > MOST_ZIP_BYTES:
                    raise kept.Missing
                with kept.opened(one.score.attempt) as source, whole.open(_name(one), "w") as sink:
                    while piece := source.read(1024**2):
                        sink.write(piece)
            except kept.Missing:
                left_out.append(f"{one.pk} {one.team.name}: {one.title}")
        if left_out:
            why = "No label maps are kept of these: only of each team's submissions on the board. Run them again.\n"
            whole.writestr("left-out.txt", why + "\n".join(left_out) + "\n")
    return len(left_out)


def _name(submission: Submission) -> str:
    return f"{submission.phase.slug}/{submission.team.slug}/{submission.pk}.zip"
