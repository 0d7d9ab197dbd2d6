"""Whether an organizer may split a data set, said before anybody is scored on it."""

from __future__ import annotations

import pytest

from challenge import splits
from tests import factories
from tests.conftest import Site


@pytest.mark.parametrize(
    ("presence", "share", "words"),
    [
        (b"\x7f" * 10, 50, ""),
        (b"\x7f" * 10, 1, ""),
        (b"\x3f" * 10, 100, ""),
        (b"\x3f" * 10, 50, "has the class sky"),
        (b"\x0f" * 5 + b"\x70" * 5, 10, "Choose a larger public share"),
    ],
)
def test_by_what_was_noted_when_it_was_registered(db: None, presence: bytes, share: int, words: str) -> None:
    found = splits.refusal(factories.DatasetFactory(presence=presence), share, seed=1)
    assert words in found
    assert bool(found) is bool(words)


def test_by_its_labels_where_nothing_was_noted(site: Site) -> None:
    assert site.dataset.presence is None
    assert splits.refusal(site.dataset, 50, seed=1) == ""


@pytest.mark.parametrize("given", [{"path": "/nonexistent"}, {"images": 20_000}])
def test_not_known_is_said(site: Site, given: dict[str, object]) -> None:
    found = splits.refusal(factories.DatasetFactory(**{"path": site.dataset.path} | given), 50, seed=1)
    assert "register the data set again" in found
