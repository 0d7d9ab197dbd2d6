"""Files that organizers take away: tables as CSV and JSON, streamed; label maps of chosen submissions as one zip."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from challenge import kept
from challenge.models import Challenge, Submission
from challenge.presentation import spreadsheets
from challenge.views import finding

MOST_ROWS = 100_000
MOST_ZIP_BYTES = 2 * 1024**3
"""What does not fit is named in the zip's `left-out.txt`."""

Row = dict[str, Any]


@login_required
@require_safe
def manage_export(request: HttpRequest, slug: str, what: str, form: str) -> HttpResponseBase:
    """Submissions with their scores, who takes part, or the audit trail."""
    challenge = finding.challenge_to_edit(request, slug)
    columns, rows = TABLES[what]
    if form == "csv":
        lines, content_type = spreadsheets.csv_lines(columns, rows(challenge)), "text/csv; charset=utf-8"
    else:
        about = {"challenge": challenge.slug, "made": timezone.now().isoformat(timespec="seconds")}
        lines, content_type = spreadsheets.json_lines(about, rows(challenge)), "application/json"
    response = StreamingHttpResponse(lines, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{challenge.slug}-{what}.{form}"'
    return response


def _submissions(challenge: Challenge) -> Iterator[Row]:
    found = Submission.objects.filter(phase__challenge=challenge).select_related("phase", "team", "score__attempt")
    for one in found.order_by("created", "pk")[:MOST_ROWS].iterator(chunk_size=500):
        score = one.score
        yield {
            "id": str(one.pk),
            "phase": one.phase.slug,
            "team": one.team.name,
            "kind": one.kind,
            "title": one.title,
            "state": one.state,
            "sent": one.created.isoformat(timespec="seconds"),
            "miou": score.miou if score else None,
            "miou_low": score.miou_low if score else None,
            "miou_high": score.miou_high if score else None,
            "latency_median_seconds": score.latency_median_seconds if score else None,
            "latency_p90_seconds": score.latency_p90_seconds if score else None,
            "cpu_seconds": score.cpu_seconds if score else None,
            "memory_peak_bytes": score.memory_peak_bytes if score else None,
            "parameters": one.parameters,
            "disqualified": one.disqualified_why if one.disqualified_at else None,
        }


def _teams(challenge: Challenge) -> Iterator[Row]:
    found = challenge.memberships.select_related("team", "user").order_by("team__name", "pk")[:MOST_ROWS]
    for one in found.iterator(chunk_size=500):
        yield {
            "team": one.team.name,
            "user": one.user.get_username(),
            "mail": one.user.email,
            "role": one.role,
            "joined": one.joined.isoformat(timespec="seconds"),
        }


def _audit(challenge: Challenge) -> Iterator[Row]:
    for one in challenge.audit.order_by("id")[:MOST_ROWS].iterator(chunk_size=500):
        yield {"at": one.at.isoformat(timespec="seconds"), "who": one.actor, "act": one.act, "what": one.what}


TABLES: dict[str, tuple[list[str], Callable[[Challenge], Iterator[Row]]]] = {
    "submissions": (
        [
            "id", "phase", "team", "kind", "title", "state", "sent", "miou", "miou_low", "miou_high",
            "latency_median_seconds", "latency_p90_seconds", "cpu_seconds", "memory_peak_bytes", "parameters",
            "disqualified",
        ],
        _submissions,
    ),
    "teams": (["team", "user", "mail", "role", "joined"], _teams),
    "audit": (["at", "who", "act", "what"], _audit),
}  # fmt: skip


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
