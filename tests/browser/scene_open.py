"""Of the scene: a phase on drawn scenes that everybody may see, to which predictions were sent. These are scored in
earnest, by the worker's own code, and their label maps are kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import numpy as np
from django.conf import settings
from django.utils import timezone
from PIL import Image

from challenge import submissions
from challenge.models import Kind, Phase, Submission, Team
from challenge.worker.evaluate import evaluate_attempt
from evaluator.datasets import Dataset
from evaluator.metrics import LabelMap
from evaluator.predictions import labels_of
from evaluator.sample import draw_sample
from tests import factories
from tests.evaluator.pictures import png

IMAGES = 12


def blurred(truth: LabelMap, coarse: int) -> LabelMap:
    """The truth as a model with large cells would see it, the curb off by a little."""
    small = Image.fromarray(truth).resize((256 // coarse, 128 // coarse), Image.Resampling.NEAREST)
    labels = np.array(small.resize((256, 128), Image.Resampling.NEAREST))
    labels[np.roll(labels, 5, axis=1) == 1] = 1
    return np.minimum(labels, 6)


def send(phase: Phase, team: Team, title: str, change: Callable[[LabelMap], LabelMap], data: Dataset) -> Submission:
    """A submission of predictions, evaluated."""
    files = {name: png(change(data.truth(index))) for index, name in enumerate(labels_of(data))}
    upload = factories.predictions_zip(files)
    made = factories.submission(phase, team, kind="predictions", upload=upload, title=title)
    attempt = submissions.claim("scene", 600, only=Kind.PREDICTIONS)
    assert attempt is not None
    evaluate_attempt(attempt)
    made.refresh_from_db()
    assert made.score is not None, attempt
    return made


def furnish(running: Phase, mine: Team, other: Team) -> dict[str, str]:
    """Adds the phase and what was sent to it; names of pages to addresses."""
    folder = Path(settings.PARAKH_VAR) / "scene-drawn"
    draw_sample(folder, train=1, val=IMAGES, seed=3)
    data = Dataset.open(folder, "val")
    dataset = factories.DatasetFactory(
        name="drawn-val", path=str(folder), images=IMAGES, fingerprint=data.fingerprint(), is_drawn=True, is_open=True
    )
    now = timezone.now()
    phase = factories.PhaseFactory(
        challenge=running.challenge, dataset=dataset, slug="sample", title="Drawn scenes", position=3,
        kinds=["code", "image", "predictions"], opens=now - dt.timedelta(days=5), closes=now + dt.timedelta(days=40),
    )  # fmt: skip
    theirs = send(phase, other, "UNet, large cells", lambda truth: blurred(truth, 16), data)
    made = send(phase, mine, "ERFNet, on my laptop", lambda truth: blurred(truth, 4), data)
    Submission.objects.filter(pk=made.pk).update(
        method="Trained for 40 epochs on the training split alone, flips and crops; no pretrained weights.",
        link="https://example.org/thin-decoder",
        parameters=412_000,
        gmac=1.31,
    )
    wrong = factories.predictions_zip({"notes.txt": b"x"})
    failed = factories.submission(phase, mine, kind="predictions", upload=wrong, title="Zipped the wrong folder")
    attempt = submissions.claim("scene", 600, only=Kind.PREDICTIONS)
    assert attempt is not None
    evaluate_attempt(attempt)
    return {
        "predictions": f"/submissions/{made.pk}/",
        "predictions_edit": f"/submissions/{made.pk}/edit/",
        "predictions_failed": f"/submissions/{failed.pk}/",
        "compare": f"/submissions/compare/?a={made.pk}&b={theirs.pk}",
        "report_predictions": f"/reports/{theirs.pk}/",
    }
