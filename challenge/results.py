"""What is kept of an evaluation: measurements, log, score. Who stands where by it is for ranking/.

Called by the transaction in submissions.py that publishes an attempt, and by nothing else.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from challenge.models import Attempt, Phase, Score
from evaluator import intervals
from evaluator.metrics import Scores
from evaluator.report import Report
from evaluator.splits import presence, public_images

PER_IMAGE = ("latencies", "curve")
"""Measurements that tell of single images, and so of hidden data."""


def facts(report: Report, hidden: bool) -> dict[str, Any]:
    """What an attempt keeps of a report, beside the verdict."""
    measurements = dataclasses.asdict(report.measurements)
    for detail in PER_IMAGE:
        measurements[detail] = [] if hidden else measurements[detail]
    return {
        "images_done": report.images_done,
        "images_total": report.images_total,
        "measurements": measurements,
        "host": report.host,
        "log": storable(report.log),
    }


def storable(text: str) -> str:
    """Text that PostgreSQL takes: it has no NUL and no lone surrogates."""
    return text.replace("\x00", "\N{SYMBOL FOR NULL}").encode("utf-8", "replace").decode("utf-8")


def new_score(phase: Phase, attempt: Attempt, scores: Scores, report: Report) -> Score:
    """The score of an attempt, once and for all: a second one breaks a unique constraint.

    In a phase with a split what is shown is over the public images alone: figures over all would tell of the others.

    Raises:
        SplitError: the data set can't be split as the phase says.
    """
    private: dict[str, Any] = {}
    if phase.has_split:
        public = public_images(presence(scores.by_image), phase.public_share, phase.split_seed)
        secret = scores.of(~public)
        scores = scores.of(public)
        private = {
            "private_miou": secret.miou,
            "private": secret.as_dict(),
            "private_per_image": intervals.pack(intervals.counts(secret.by_image)),
        }
    plain = scores.as_dict()
    return Score.objects.create(
        attempt=attempt,
        miou=scores.miou,
        miou_low=plain["miou_low"],
        miou_high=plain["miou_high"],
        pixel_accuracy=scores.pixel_accuracy,
        mean_pixel_accuracy=scores.mean_pixel_accuracy,
        iou=plain["iou"],
        confusion=plain["confusion"],
        per_image=intervals.pack(intervals.counts(scores.by_image)),
        **private,
        latency_median_seconds=report.measurements.latency_median_seconds,
        latency_p90_seconds=report.measurements.latency_p90_seconds,
        cpu_seconds=report.measurements.cpu_seconds,
        memory_peak_bytes=report.measurements.memory_peak_bytes,
    )
