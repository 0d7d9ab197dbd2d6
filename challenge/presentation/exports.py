"""An organizer's table as a file: for the page that offers it, and for the API."""

from __future__ import annotations

from django.http import StreamingHttpResponse
from django.utils import timezone

from challenge.models import Challenge
from challenge.organizing.exports import TABLES
from challenge.presentation import spreadsheets

FORMS = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


def download(challenge: Challenge, what: str, form: str) -> StreamingHttpResponse:
    """One of TABLES in one of FORMS, sent while it is read."""
    columns, rows = TABLES[what]
    if form == "csv":
        lines = spreadsheets.csv_lines(columns, rows(challenge))
    else:
        about = {"challenge": challenge.slug, "made": timezone.now().isoformat(timespec="seconds")}
        lines = spreadsheets.json_lines(about, rows(challenge))
    response = StreamingHttpResponse(lines, content_type=FORMS[form])
    response["Content-Disposition"] = f'attachment; filename="{challenge.slug}-{what}.{form}"'
    return response
