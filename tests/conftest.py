"""Fixtures for all tests: a place of their own for files, and the cast.

Alice takes part, Bob is in her team, Carol has a team of her own, Olga organizes the challenge, Otto organizes
another, Stella is staff. A visitor is nobody: Django's plain `client`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import override_settings

from challenge import hosts
from challenge.celery import app
from challenge.models import Challenge, Dataset, Phase, Team
from evaluator import datasets, sample
from tests import factories


@dataclasses.dataclass(frozen=True, slots=True)
class Site:
    """A challenge with one open phase on a drawn data set, and the people around it."""

    challenge: Challenge
    phase: Phase
    dataset: Dataset
    alice: User
    bob: User
    carol: User
    olga: User
    otto: User
    stella: User
    team: Team  # Alice's and Bob's
    strangers: Team  # Carol's


@pytest.fixture(scope="session", autouse=True)
def own_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests leave `var/` alone: uploads, cache and bells go elsewhere."""
    folder = tmp_path_factory.mktemp("var")
    (folder / "incoming").mkdir()
    app.conf.update(broker_url="memory://", broker_transport_options={})
    with override_settings(
        MEDIA_ROOT=folder / "media",
        FILE_UPLOAD_TEMP_DIR=folder / "incoming",
        STORAGES={
            "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
        },
        CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend",
        PARAKH_MAIL_SOON=False,
    ):
        yield


@pytest.fixture(autouse=True)
def fresh_rate_limits() -> None:
    """Log-ins and API calls of one test don't count for the next."""
    cache.clear()


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn data set: one scene to train on, four to be scored on."""
    folder = tmp_path_factory.mktemp("data") / "drawn"
    sample.draw_sample(folder, train=1, val=4, seed=0)
    return folder


@pytest.fixture(scope="session")
def drawn_fingerprint(drawn: Path) -> str:
    """Of its val split."""
    return datasets.Dataset.open(drawn, "val").fingerprint()


@pytest.fixture
def site(db: None, drawn: Path, drawn_fingerprint: str) -> Site:
    """The challenge and the cast, and a host in service."""
    people = {name: factories.UserFactory(username=name) for name in ("alice", "bob", "carol", "olga", "otto")}
    stella = factories.UserFactory(username="stella", is_staff=True)
    dataset = factories.DatasetFactory(path=str(drawn), fingerprint=drawn_fingerprint, images=4, is_drawn=True)
    challenge = factories.ChallengeFactory(slug="idd-lite", title="IDD-lite: constrained segmentation")
    challenge.organizers.add(people["olga"])
    factories.ChallengeFactory(slug="other").organizers.add(people["otto"])
    hosts.register("test-host", factories.offer())
    return Site(
        challenge=challenge,
        phase=factories.PhaseFactory(challenge=challenge, dataset=dataset, slug="val"),
        dataset=dataset,
        stella=stella,
        team=factories.team(challenge, people["alice"], people["bob"], name="Asphalt"),
        strangers=factories.team(challenge, people["carol"], name="Gravel"),
        **people,
    )
