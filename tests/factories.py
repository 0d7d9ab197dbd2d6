"""Records and files for tests, each valid by itself; name only what the test is about."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import factory
import numpy as np
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from PIL import Image

from challenge import hosts, submissions, teams, tokens
from challenge.models import Challenge, Dataset, Phase, Picture, Stage, Submission, Team, Token
from evaluator.metrics import CLASS_NAMES, Scores, scores
from evaluator.report import Measurements, Report
from evaluator.splits import public_images
from sandbox import Code, Limits, Observation, Verdict, verdict
from tests.matrices import matrices

CONSTANT_PREDICT = """
import numpy as np

def predict(image):
    return np.zeros(image.shape[:2], np.uint8)
"""

SLOW_PREDICT = """
import time
import numpy as np

def predict(image):
    time.sleep({seconds})
    return np.zeros(image.shape[:2], np.uint8)
"""


class UserFactory(factory.django.DjangoModelFactory):
    """A person; the password is `password`."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"person{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.org")
    password = factory.django.Password("password")


class ChallengeFactory(factory.django.DjangoModelFactory):
    """A public challenge."""

    class Meta:
        model = Challenge

    slug = factory.Sequence(lambda n: f"challenge-{n}")
    title = factory.Sequence(lambda n: f"Challenge {n}")
    stage = Stage.LIVE


class DatasetFactory(factory.django.DjangoModelFactory):
    """A data set's record; nothing is on the disk."""

    class Meta:
        model = Dataset

    name = factory.Sequence(lambda n: f"dataset-{n}")
    path = "/nonexistent"
    images = 4
    fingerprint = "0" * 64


class PhaseFactory(factory.django.DjangoModelFactory):
    """An open phase with a wide quota."""

    class Meta:
        model = Phase

    challenge = factory.SubFactory(ChallengeFactory)
    dataset = factory.SubFactory(DatasetFactory)
    slug = factory.Sequence(lambda n: f"phase-{n}")
    title = "Validation"
    opens = factory.LazyFunction(lambda: timezone.now() - dt.timedelta(days=1))
    closes = factory.LazyFunction(lambda: timezone.now() + dt.timedelta(days=30))
    quota_per_day = 100
    quota_total = 100
    quota_at_once = 100


def team(challenge: Challenge, *people: User, name: str = "") -> Team:
    """A team of these people (a new one if none is named)."""
    first, *others = people or (UserFactory(),)
    made = teams.found(challenge, first, name or f"Team {first.username}")
    for person in others:
        teams.join(made, person)
    return made


def token(user: User) -> str:
    """A new API token of this person."""
    return tokens.make(user, f"token {Token.objects.count()}", None)


def code_zip(predict: str = CONSTANT_PREDICT) -> SimpleUploadedFile:
    """A code submission's upload with this predict.py."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("predict.py", predict)
    return SimpleUploadedFile("model.zip", packed.getvalue(), "application/zip")


def picture(challenge: Challenge, name: str, kind: str = "PNG") -> Picture:
    """A small picture, as the site stores them."""
    drawn = io.BytesIO()
    Image.new("RGB", (32, 18), "#e0a02f").save(drawn, kind)
    file = ContentFile(drawn.getvalue(), "picture")
    return Picture.objects.create(
        challenge=challenge, name=name, file=file, width=32, height=18, bytes=len(drawn.getvalue())
    )


def predictions_zip(files: Mapping[str, bytes]) -> SimpleUploadedFile:
    """Predictions' upload: label maps by name."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return SimpleUploadedFile("predictions.zip", packed.getvalue(), "application/zip")


def submission(phase: Phase, team: Team, *, user: User | None = None, **given: Any) -> Submission:
    """A queued submission, made the way the site makes it."""
    creator = user or team.memberships.select_related("user").first().user
    given = {"kind": "code", "upload": code_zip(), "title": "ERFNet"} | given
    return submissions.create(phase=phase, team=team, user=creator, **given)


def finished(phase: Phase, team: Team, miou: float = 0.5, *, skills: Sequence[float] = (), **given: Any) -> Submission:
    """A submission with a published score."""
    made = submission(phase, team, **given)
    evaluate_all(miou, skills=skills)
    made.refresh_from_db()
    return made


def offer(**given: Any) -> hosts.Offer:
    """What an ordinary host has."""
    usual: dict[str, Any] = {
        "cores": 4, "memory_bytes": 8 * 1024**3, "gpus": 0, "runtimes": ("runc",), "queues": ("default",), "facts": {},
    }  # fmt: skip
    return hosts.Offer(**usual | given)


def evaluate_all(miou: float = 0.5, **found: Any) -> None:
    """Claims and publishes all that waits, with this score, without running anything."""
    while attempt := submissions.claim("test", 60):
        assert submissions.publish(attempt, report(miou=miou, **found))


def found_scores(miou: float = 0.5, skills: Sequence[float] = ()) -> Scores:
    """Scores with this mIoU over four images that are all alike, or of images with these skills."""
    if skills:
        return scores(matrices(*skills))
    alike = scores(matrices(*[miou] * 4))
    return dataclasses.replace(
        alike, miou=miou, iou=dict.fromkeys(CLASS_NAMES, miou), pixel_accuracy=miou, mean_pixel_accuracy=miou
    )


def split_skills(phase: Phase, public: float, private: float, images: int = 20) -> list[float]:
    """Shares of twenty images that are right: so much of each public one, and of each private one of this phase."""
    part = public_images(np.ones((images, 7), dtype=bool), phase.public_share, phase.split_seed)
    return [public if is_public else private for is_public in part]


def report(
    code: Code = Code.OK,
    *,
    miou: float = 0.5,
    skills: Sequence[float] = (),
    log: str = "loaded\n",
    latencies: int = 4,
    **measured: Any,
) -> Report:
    """What the evaluator would find.

    Args:
        skills: share of each image that is right; none: mIoU is the same on all four images.
        measured: measurements that the test is about.
    """
    is_ok = code is Code.OK
    limits = Limits()
    return Report(
        verdict=verdict(Observation(limits=limits, images_total=4, images_done=4, ready=True))
        if is_ok
        else Verdict(code, f"It ended with {code}.", "Try something else.", (code,)),
        scores=found_scores(miou, skills) if is_ok else None,
        measurements=Measurements(
            **{
                "start_seconds": 0.5,
                "latency_median_seconds": 0.01,
                "latency_p90_seconds": 0.02,
                "latencies": (0.01,) * latencies,
                "total_seconds": 1.0,
                "answering_seconds": 0.1,
                "cpu_seconds": 0.9,
                "memory_peak_bytes": 100 * 1024**2,
                "image_bytes": 5 * 1024**2,
            }
            | measured
        ),
        images_done=4 if is_ok else 1,
        images_total=4,
        seed=1,
        log=log,
        limits=limits,
        host={"name": "test"},
    )
