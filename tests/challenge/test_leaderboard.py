"""A page of the board: ranks, orders, filters, ties, charts, exports, and what each costs."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from challenge import leaderboard, ranking, submissions, ties
from challenge.leaderboard import Filters
from challenge.models import BoardRow, Standing, Submission, Team
from challenge.presentation import scatter
from challenge.presentation.axes import MEASURES
from tests import factories
from tests.conftest import Site


def board(site: Site, *mious: float) -> list[Team]:
    teams = [factories.team(site.challenge, name=f"team {number}") for number in range(len(mious))]
    for team, miou in zip(teams, mious, strict=True):
        factories.finished(site.phase, team, miou=miou)
    return teams


def measured(site: Site, *rows: dict[str, Any]) -> list[Team]:
    """A team for each, with these measurements; `miou`, `skills` and `parameters` are taken from among them."""
    teams = []
    for number, given in enumerate(rows):
        team = factories.team(site.challenge, name=f"team {number}")
        made = factories.submission(site.phase, team)
        Submission.objects.filter(pk=made.pk).update(parameters=given.pop("parameters", None))
        attempt = submissions.claim("w", 60)
        assert attempt is not None
        submissions.publish(attempt, factories.report(**given))
        teams.append(team)
    return teams


def order(site: Site, teams: list[Team], **asked: Any) -> list[int]:
    return [teams.index(row.team) for row in leaderboard.page(site.phase, **asked)]


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
    assert [page.total for page in pages] == [5, 5, 5]


@pytest.mark.parametrize(("asked", "given"), [(-5, 1), (0, 1), (1, 1), (99, 2)])
def test_a_page_that_is_not_there_is_the_nearest(site: Site, asked: int, given: int) -> None:
    board(site, 0.1, 0.2, 0.3)
    assert leaderboard.page(site.phase, number=asked, size=2).number == given


@pytest.mark.parametrize(("asked", "given"), [(-1, 1), (0, 1), (7, 7), (10**9, leaderboard.MOST_ROWS)])
def test_a_page_has_a_ceiling(site: Site, asked: int, given: int) -> None:
    assert leaderboard.page(site.phase, size=asked).size == given


def test_only_the_best_of_a_team_counts_and_the_earlier_of_equals(site: Site) -> None:
    first = factories.finished(site.phase, site.team, miou=0.5)
    latest = factories.finished(site.phase, site.team, miou=0.3)
    factories.finished(site.phase, site.team, miou=0.5)
    latest = factories.finished(site.phase, site.team, miou=0.2)
    assert [row.submission for row in leaderboard.page(site.phase)] == [first]
    assert [row.submission for row in leaderboard.page(site.phase, Standing.LATEST)] == [latest]


def test_row_of_a_team(site: Site) -> None:
    teams = board(site, 0.3, 0.5, 0.5)
    rows = [leaderboard.row_of(site.phase, team) for team in teams]
    assert [row.rank for row in rows if row] == [3, 1, 1]
    assert leaderboard.row_of(site.phase, site.team) is None
    best = leaderboard.best_row(site.phase)
    assert best is not None
    assert best.team == teams[1]


# Orders


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("miou", [2, 1, 0, 3]),
        ("latency", [3, 0, 2, 1]),
        ("memory", [0, 2, 3, 1]),
        ("cpu", [1, 3, 2, 0]),
        ("size", [2, 3, 0, 1]),
        ("parameters", [3, 0, 1, 2]),
        ("achieved", [3, 2, 1, 0]),
        ("nonsense", [2, 1, 0, 3]),
        ("; DROP TABLE", [2, 1, 0, 3]),
    ],
)
def test_every_order_has_the_best_first_and_what_is_not_known_last(site: Site, sort: str, expected: list[int]) -> None:
    names = ("miou", "latency_median_seconds", "memory_peak_bytes", "cpu_seconds", "image_bytes", "parameters")
    rows = [
        (0.3, 0.02, 10, None, 300, 20),
        (0.4, None, None, 1.0, None, None),
        (0.5, 0.03, 20, 3.0, 100, None),
        (0.2, 0.01, 30, 2.0, 200, 10),
    ]
    teams = measured(site, *[dict(zip(names, row, strict=True)) for row in rows])
    page = leaderboard.page(site.phase, sort=sort)
    assert [teams.index(row.team) for row in page] == expected
    assert [row.rank for row in page] == [1, 2, 3, 4]
    halves = [leaderboard.page(site.phase, sort=sort, number=number, size=2) for number in (1, 2)]
    assert [row.id for half in halves for row in half] == [row.id for row in page]
    assert [row.rank for half in halves for row in half] == [1, 2, 3, 4]


def test_by_the_iou_of_a_class(site: Site) -> None:
    teams = board(site, 0.1, 0.3, 0.2)
    BoardRow.objects.filter(team=teams[0]).update(iou_6=0.9)
    assert order(site, teams, sort="sky") == [0, 1, 2]
    assert order(site, teams, sort="non-drivable") == [1, 2, 0]


# Filters


def test_baselines_are_shown_left_out_or_alone_and_places_are_among_those_shown(site: Site) -> None:
    teams = board(site, 0.9, 0.8, 0.7, 0.6)
    for place in (0, 2):
        Team.objects.filter(pk=teams[place].pk).update(is_baseline=True)
    ranking.rebuild(site.phase)
    for baselines, expected in (("yes", [0, 1, 2, 3]), ("no", [1, 3]), ("only", [0, 2])):
        page = leaderboard.page(site.phase, filters=Filters(baselines=baselines))  # type: ignore[arg-type]
        assert [teams.index(row.team) for row in page] == expected
        assert [row.rank for row in page] == list(range(1, len(expected) + 1))
        assert page.total == len(expected)


def test_by_the_limits_they_ran_under(site: Site) -> None:
    teams = board(site, 0.5)
    site.phase.limits_data = site.phase.limits_data | {"total_seconds": 77}
    site.phase.save()
    teams += [factories.team(site.challenge, name="under the new ones")]
    factories.finished(site.phase, teams[1], 0.4)
    for limits, expected in (("any", [0, 1]), ("current", [1]), ("older", [0])):
        assert order(site, teams, filters=Filters(limits=limits)) == expected  # type: ignore[arg-type]
    assert [row.ran_under_other_limits for row in leaderboard.page(site.phase)] == [True, False]


def test_by_the_day_they_were_sent(site: Site) -> None:
    teams = board(site, 0.5, 0.4)
    yesterday = timezone.now() - dt.timedelta(days=1)
    Submission.objects.filter(team=teams[0]).update(created=yesterday)
    ranking.rebuild(site.phase)
    assert order(site, teams, filters=Filters(since=yesterday)) == [0, 1]
    assert order(site, teams, filters=Filters(since=yesterday + dt.timedelta(hours=1))) == [1]


# Ties

UNEVEN = [0.2, 0.8] * 20


def test_rows_that_the_images_can_not_tell_apart_are_ties(site: Site) -> None:
    better = [skill + 0.1 for skill in UNEVEN]
    elsewhere = [skill + change for skill, change in zip(UNEVEN, [0.05, -0.06] * 20, strict=True)]
    teams = measured(site, {"skills": better}, {"skills": UNEVEN}, {"skills": elsewhere})
    page = leaderboard.page(site.phase)
    assert [teams.index(row.team) for row in page] == [0, 1, 2]
    assert [row.is_tied_with_above for row in page] == [False, False, True]
    assert all(row.miou_low < row.miou < row.miou_high for row in page)  # type: ignore[operator]
    second = leaderboard.page(site.phase, number=3, size=1)
    assert [row.is_tied_with_above for row in second] == [True], "the row above is on the page before"
    by_latency = leaderboard.page(site.phase, sort="latency")
    assert not any(row.is_tied_with_above for row in by_latency)


def test_a_pair_is_compared_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    measured(site, {"skills": UNEVEN}, {"skills": UNEVEN})
    assert [row.is_tied_with_above for row in leaderboard.page(site.phase)] == [False, True]
    monkeypatch.setattr("challenge.ties._compared", lambda *args: pytest.fail("compared again"))
    assert [row.is_tied_with_above for row in leaderboard.page(site.phase)] == [False, True]


def test_a_page_of_many_new_pairs_leaves_some_for_the_next_reader(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    measured(site, *[{"skills": UNEVEN} for _ in range(4)])
    monkeypatch.setattr(ties, "MOST_SECONDS", -1.0)
    assert not any(row.is_tied_with_above for row in leaderboard.page(site.phase))
    monkeypatch.setattr(ties, "MOST_SECONDS", 60.0)
    assert [row.is_tied_with_above for row in leaderboard.page(site.phase)] == [False, True, True, True]


@pytest.mark.parametrize("other", [[0.2, 0.8] * 3, [0.5]])
def test_scores_on_other_images_are_no_ties(site: Site, other: list[float]) -> None:
    measured(site, {"skills": UNEVEN}, {"skills": other})
    assert not any(row.is_tied_with_above for row in leaderboard.page(site.phase))


def test_ties_of_the_final_standing_are_of_the_private_images(site: Site) -> None:
    site.phase.public_share = 50
    site.phase.save()
    alike = factories.split_skills(site.phase, 0.5, 0.4)
    measured(site, {"skills": alike}, {"skills": factories.split_skills(site.phase, 0.5, 0.3)})
    assert [row.is_tied_with_above for row in leaderboard.page(site.phase)] == [False, True]
    assert [row.is_tied_with_above for row in leaderboard.page(site.phase, Standing.FINAL)] == [False, False]


# Charts


@pytest.mark.parametrize("axis", list(leaderboard.AXES))
def test_the_front_is_of_the_whole_board_and_what_is_beside_it_of_the_page(site: Site, axis: str) -> None:
    figures = [(0.9, 50), (0.8, 20), (0.7, 30), (0.6, 10), (0.5, 10), (0.4, None)]
    field = {"latency": "latency_median_seconds", "memory": "memory_peak_bytes", "size": "image_bytes"}
    teams = measured(site, *[{"miou": miou, field.get(axis, axis): x} for miou, x in figures])
    page = leaderboard.page(site.phase, number=2, size=3)
    chart = leaderboard.pareto(site.phase, Standing.BEST, axis, beside=[row.id for row in page])
    assert [teams.index(point.row.team) for point in chart.front] == [3, 1, 0]
    assert [teams.index(point.row.team) for point in chart.others] == [4]
    assert all(point.on_front for point in chart.front)
    drawn = scatter.pareto_front(
        scatter.Entry(name=str(number), detail="", link="", x=x, y=miou)
        for number, (miou, x) in enumerate(figures)
        if x is not None
    )
    assert [int(entry.name) for entry in drawn] == [3, 1, 0]
    assert set(leaderboard.AXES) == set(MEASURES)


def test_no_such_axis(site: Site) -> None:
    with pytest.raises(KeyError):
        leaderboard.pareto(site.phase, Standing.BEST, "beauty")


def test_a_front_that_is_not_known_is_counted(site: Site) -> None:
    measured(site, *[{"miou": miou, "latency_median_seconds": x} for miou, x in ((0.9, 0.5), (0.8, 0.2), (0.7, 0.3))])
    site.phase.boards.update(fronts={})
    assert len(leaderboard.pareto(site.phase, Standing.BEST, "latency").front) == 2
    site.phase.boards.all().delete()
    assert len(leaderboard.pareto(site.phase, Standing.BEST, "latency").front) == 2
    assert leaderboard.page(site.phase).total == 3


# Files


def test_an_export_has_every_row_in_the_order_of_miou(site: Site) -> None:
    teams = board(site, 0.3, 0.5, 0.5)
    rows = list(leaderboard.export_rows(site.phase))
    assert [(row["rank"], row["team"]) for row in rows] == [(1, teams[1].name), (1, teams[2].name), (3, teams[0].name)]
    assert all(tuple(row) == leaderboard.EXPORT_COLUMNS for row in rows)
    assert rows[0]["miou"] == 0.5
    assert rows[0]["iou_sky"] == 0.5
    assert rows[0]["latency_median_seconds"] == 0.01
    assert rows[0]["size_bytes"] == 5 * 1024**2
    assert rows[0]["submitted"].endswith("+00:00")


# Cost


def test_a_page_costs_the_same_however_full(site: Site, django_assert_num_queries: Any) -> None:
    board(site, *[number / 100 for number in range(12)])
    for size in (3, 12):
        cache.clear()
        leaderboard.page(site.phase, size=size)  # Which rows are ties is known from then on.
        with django_assert_num_queries(3):
            for row in leaderboard.page(site.phase, size=size):
                assert row.team.name
                assert row.submission.title
                assert row.submission.phase.slug
                assert row.iou
                assert row.miou_low is not None


def test_a_new_page_of_ties_costs_one_query_more(site: Site, django_assert_num_queries: Any) -> None:
    board(site, *[number / 100 for number in range(12)])
    with django_assert_num_queries(4):
        leaderboard.page(site.phase)


def test_an_export_and_a_chart_cost_a_fixed_number_of_queries(site: Site, django_assert_num_queries: Any) -> None:
    board(site, *[number / 100 for number in range(12)])
    with django_assert_num_queries(1):
        assert len(list(leaderboard.export_rows(site.phase))) == 12
    ids = [row.id for row in leaderboard.page(site.phase)]
    with django_assert_num_queries(2):
        chart = leaderboard.pareto(site.phase, Standing.BEST, "latency", beside=ids)
        assert all(point.row.team.name and point.row.submission.title for point in chart.points)
