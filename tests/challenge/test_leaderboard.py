"""Ranks, ties, pages, and what they cost."""

from __future__ import annotations

import pytest

from challenge import leaderboard
from challenge.models import Team
from tests import factories
from tests.conftest import Site


def board(site: Site, *mious: float) -> list[Team]:
    teams = [factories.team(site.challenge, name=f"team {number}") for number in range(len(mious))]
    for team, miou in zip(teams, mious, strict=True):
        factories.finished(site.phase, team, miou=miou)
    return teams


@pytest.mark.parametrize(
    ("mious", "expected"),
    [
        ([], []),
        ([0.5], [(1, 0)]),
        ([0.1, 0.3, 0.2], [(1, 1), (2, 2), (3, 0)]),
        ([0.3, 0.5, 0.5, 0.4], [(1, 1), (1, 2), (3, 3), (4, 0)]),
        ([0.5, 0.5, 0.5], [(1, 0), (1, 1), (1, 2)]),
    ],
)
def test_ranks(site: Site, mious: list[float], expected: list[tuple[int, int]]) -> None:
    teams = board(site, *mious)
    assert [(row.rank, teams.index(row.team)) for row in leaderboard.page(site.phase)] == expected


def test_a_tie_keeps_its_rank_over_a_page_break(site: Site) -> None:
    board(site, 0.9, 0.5, 0.5, 0.5, 0.1)
    pages = [leaderboard.page(site.phase, number=number, size=2) for number in (1, 2, 3)]
    assert [[row.rank for row in page] for page in pages] == [[1, 2], [2, 2], [5]]
    assert [page.next_number for page in pages] == [2, 3, None]
    assert [page.previous_number for page in pages] == [None, 1, 2]


@pytest.mark.parametrize(("asked", "given"), [(-5, 1), (0, 1), (1, 1), (99, 2)])
def test_a_page_that_is_not_there_is_the_nearest(site: Site, asked: int, given: int) -> None:
    board(site, 0.1, 0.2, 0.3)
    assert leaderboard.page(site.phase, number=asked, size=2).number == given


def test_only_the_best_of_a_team_counts_and_the_earlier_of_equals(site: Site) -> None:
    first = factories.finished(site.phase, site.team, miou=0.5)
    factories.finished(site.phase, site.team, miou=0.3)
    factories.finished(site.phase, site.team, miou=0.5)
    assert [row.submission for row in leaderboard.page(site.phase)] == [first]


def test_row_of_a_team(site: Site) -> None:
    teams = board(site, 0.3, 0.5, 0.5)
    assert [leaderboard.row_of(site.phase, team).rank for team in teams] == [3, 1, 1]
    assert leaderboard.row_of(site.phase, site.team) is None


def test_a_page_costs_the_same_however_full(site: Site, django_assert_num_queries) -> None:
    board(site, *[number / 100 for number in range(12)])
    leaderboard.page(site.phase)  # Which rows are ties is known from then on.
    for size in (3, 12):
        with django_assert_num_queries(3):
            for row in leaderboard.page(site.phase, size=size):
                assert row.team.name
                assert row.submission.title
                assert row.score.iou
