"""A whole board, row by row, for files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from challenge.leaderboard.pages import (
    EVERYTHING,
    SORTS,
    Filters,
    Row,
    filtered,
    is_private,
    line,
    private_figures,
    whole,
)
from challenge.limits_key import limits_key
from challenge.models import Phase, Standing
from evaluator.metrics import CLASS_NAMES

EXPORT_COLUMNS = (
    "rank", "team", "team_slug", "submission", "title", "kind", "is_baseline", "submitted",
    "miou", "miou_low", "miou_high", "pixel_accuracy", "mean_pixel_accuracy",
    *(f"iou_{name}" for name in CLASS_NAMES),
    "latency_median_seconds", "latency_p90_seconds", "cpu_seconds", "memory_peak_bytes", "size_bytes", "parameters",
    "ran_under_other_limits", "method", "link",
)  # fmt: skip
"""Keys of what `export_rows` yields, in the order for a file."""


def export_rows(
    phase: Phase, standing: Standing = Standing.BEST, filters: Filters = EVERYTHING
) -> Iterator[dict[str, Any]]:
    """The whole board in the order of mIoU, a few rows at a time: EXPORT_COLUMNS to plain values, dates as text.

    Texts are as teams wrote them: who makes a CSV of them escapes what a spreadsheet would take for a formula.
    """
    limits = limits_key(phase.limits)
    rows = SORTS["miou"].apply(whole(phase, standing, filtered(phase, standing, filters)))
    rank, last = 0, None
    for place, row in enumerate(rows.iterator(chunk_size=500), 1):
        rank, last = (place if row.miou != last else rank), row.miou
        yield _plain(line(phase, row, rank, is_tied=False, limits=limits))


def _plain(row: Row) -> dict[str, Any]:
    accuracies = private_figures(row.score) if is_private(row.submission.phase, row.standing) else None
    values: dict[str, Any] = {
        "rank": row.rank,
        "team": row.team.name,
        "team_slug": row.team.slug,
        "submission": str(row.submission.pk),
        "title": row.submission.title,
        "kind": row.submission.kind,
        "is_baseline": row.is_baseline,
        "submitted": row.achieved.astimezone(dt.UTC).isoformat(timespec="seconds"),
        "miou": row.miou,
        "miou_low": row.miou_low,
        "miou_high": row.miou_high,
        "pixel_accuracy": accuracies["pixel_accuracy"] if accuracies else row.score.pixel_accuracy,
        "mean_pixel_accuracy": accuracies["mean_pixel_accuracy"] if accuracies else row.score.mean_pixel_accuracy,
        **{f"iou_{name}": row.iou.get(name) for name in CLASS_NAMES},
        "latency_median_seconds": row.latency,
        "latency_p90_seconds": row.score.latency_p90_seconds,
        "cpu_seconds": row.cpu_seconds,
        "memory_peak_bytes": row.memory,
        "size_bytes": row.size,
        "parameters": row.parameters,
        "ran_under_other_limits": row.ran_under_other_limits,
        "method": row.submission.method,
        "link": row.submission.link,
    }
    return {name: values[name] for name in EXPORT_COLUMNS}
