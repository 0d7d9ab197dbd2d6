"""The board as people see it: its orders, filters, permalinks, marks, charts, files; and what it keeps to itself."""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from challenge import ranking
from challenge.models import Board, BoardRow, Standing, Submission, Team
from challenge.presentation import spreadsheets
from evaluator.metrics import CLASS_NAMES
from tests import factories
from tests.conftest import Site

DAY = dt.timedelta(days=1)
VIEWS = ("leaderboard", "leaderboard_chart", "leaderboard_history", "leaderboard_csv", "leaderboard_json")


@pytest.fixture
def board(site: Site) -> list[Submission]:
    """Five teams: Asphalt (Alice's) first, then down to a baseline."""
    made = [factories.finished(site.phase, site.team, 0.7, title="first")]
    for number in range(1, 5):
        team = factories.team(site.challenge, name=f"Team {number}")
        Team.objects.filter(pk=team.pk).update(is_baseline=number == 4)
        made.append(factories.finished(site.phase, team, 0.7 - number / 20, title=f"entry {number}"))
    # What a run costs is the same in all of factories.report: told apart here, where only the board looks.
    for number, one in enumerate(made):
        figures = {
            "latency": 0.05 - 0.01 * number,
            "memory": (number * 7) % 5 + 1,
            "cpu_seconds": number,
            "size": number + 1,
        }
        BoardRow.objects.filter(submission=one).update(**figures)
    Board.objects.update(fronts={})
    return made


def address(site: Site, view: str = "leaderboard") -> str:
    return reverse(view, args=[site.challenge.slug, site.phase.slug])


def names(page: str) -> list[str]:
    """Titles of the entries in the order of the table."""
    return re.findall(r'hx-boost="false">(first|entry \d)</a>', page)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "01234"),
        ({"sort": "latency"}, "43210"),
        ({"sort": "memory"}, "03142"),
        ({"sort": "cpu"}, "01234"),
        ({"sort": "achieved"}, "43210"),
        ({"sort": CLASS_NAMES[0]}, "01234"),
        ({"sort": "nonsense"}, "01234"),
        ({"baselines": "no"}, "0123"),
        ({"baselines": "only"}, "4"),
        ({"baselines": "x", "limits": "x", "standing": "final"}, "01234"),
        ({"limits": "current"}, "01234"),
        ({"limits": "older"}, ""),
        ({"since": "2999-01-01"}, ""),
        ({"since": "2001-01-01"}, "01234"),
        ({"since": "yesterday"}, "01234"),
        ({"standing": "latest", "sort": "latency", "baselines": "no"}, "3210"),
        ({"page": "99999999999999999999"}, "01234"),
    ],
)
def test_orders_and_filters(
    client: Client, site: Site, board: list[Submission], query: dict[str, str], expected: str
) -> None:
    response = client.get(address(site), query)
    assert response.status_code == 200
    assert names(response.content.decode()) == ["first" if n == "0" else f"entry {n}" for n in expected]


def test_every_heading_sorts_and_says_how_it_is_sorted(client: Client, site: Site, board: list[Submission]) -> None:
    page = client.get(address(site), {"baselines": "no"}).content.decode()
    head = page[page.index("<thead>") : page.index("</thead>")]
    links = [link.replace("&amp;", "&") for link in re.findall(r'href="(\?[^"]*)"', head)]
    assert len(links) == 7
    for link in links[1:]:
        query = parse_qs(urlsplit(link).query)
        assert query["baselines"] == ["no"]
        (sort,) = query["sort"]
        sorted_page = client.get(address(site) + link).content.decode()
        (said,) = re.findall(r'aria-sort="(\w+)"><a[^>]* id="sort-', sorted_page)
        assert said == ("descending" if sort == "achieved" else "ascending")
    assert re.findall(r'aria-sort="(\w+)"', page) == ["descending"]
    classes = client.get(address(site), {"classes": "1"}).content.decode()
    assert all(f'id="sort-{name}"' in classes for name in CLASS_NAMES)


def test_columns_are_those_of_the_phase(client: Client, site: Site, board: list[Submission]) -> None:
    site.phase.columns = ["latency", "nonsense"]
    site.phase.save()
    page = client.get(address(site)).content.decode()
    assert 'id="sort-latency"' in page
    assert 'id="sort-memory"' not in page


def test_a_date_that_is_none_is_told(client: Client, site: Site, board: list[Submission]) -> None:
    page = client.get(address(site), {"since": '<b>"'}).content.decode()
    assert "“&lt;b&gt;&quot;” is no date. Write year, month and day" in page
    assert 'aria-invalid="true"' in page


def test_rows_are_marked(client: Client, site: Site, board: list[Submission]) -> None:
    limits = site.phase.limits_data
    site.phase.limits_data = limits | {"pids": limits["pids"] + 1}
    site.phase.save()
    client.force_login(site.alice)
    page = client.get(address(site)).content.decode()
    assert page.count('<span class="tag">you</span>') == 1
    assert page.count('<span class="tag">baseline</span>') == 1
    assert page.count('<span class="tag">other limits</span>') == 5 + 1  # And in the key below.
    assert f'<tr id="team-{site.team.slug}" class="mine">' in page
    assert page.count(f'href="{reverse("report", args=[board[0].pk])}"') == 1


def test_one_finds_oneself_on_another_page(
    client: Client, site: Site, board: list[Submission], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("challenge.leaderboard.PAGE_SIZE", 2)
    last = Team.objects.get(name="Team 3")
    last.memberships.update(user=site.otto)
    client.force_login(site.otto)
    assert "Your place" not in client.get(address(site), {"sort": "latency"}).content.decode()
    page = client.get(address(site), {"baselines": "no", "sort": "cpu"}).content.decode()
    assert names(page) == ["first", "entry 1"]
    (link,) = re.findall(r'href="([^"]+)"><strong>Your place: 4</strong>', page)
    assert link.endswith("#team-team-3")
    there = client.get(link.replace("&amp;", "&").partition("#")[0]).content.decode()
    assert 'id="team-team-3" class="mine"' in there
    assert "Your place" not in there


@pytest.mark.parametrize("view", ["leaderboard", "leaderboard_chart"])
def test_a_board_before_its_reveal_keeps_the_final_standing(client: Client, site: Site, view: str) -> None:
    factories.finished(site.phase, site.team, title="first")
    page = client.get(address(site, view), {"standing": "final"}).content.decode()
    assert "Best of each team" in page
    assert "Final standing" not in page
    site.phase.closes = timezone.now() - DAY / 48
    site.phase.save()
    page = client.get(address(site, view)).content.decode()
    assert "Final standing</a>" in page
    assert "Each team stands with the submission that it chose" in page


def test_a_frozen_board_says_since_when(client: Client, site: Site, board: list[Submission]) -> None:
    site.phase.freezes = timezone.now()
    site.phase.save()
    ranking.rebuild(site.phase)
    factories.finished(site.phase, site.team, 0.95, title="first after")
    for view in VIEWS:
        content = client.get(address(site, view)).getvalue().decode()
        assert "first after" not in content, view
        assert "95.00" not in content, view
    assert "Frozen since" in client.get(address(site)).content.decode()


def test_who_is_disqualified_is_listed_with_the_reason_and_nowhere_else(
    client: Client, site: Site, board: list[Submission]
) -> None:
    board[1].disqualified_at, board[1].disqualified_why = timezone.now(), "Looked at the <labels>."
    board[1].save(update_fields=["disqualified_at", "disqualified_why"])
    ranking.refresh(site.phase, board[1].team)
    page = client.get(address(site)).content.decode()
    assert names(page) == ["first", "entry 2", "entry 3", "entry 4"]
    assert "Looked at the &lt;labels&gt;." in page
    for view in VIEWS[1:]:
        assert "entry 1" not in client.get(address(site, view)).getvalue().decode(), view


# Charts


@pytest.mark.parametrize("against", ["latency", "memory", "size", "x", ""])
def test_the_chart_and_its_table_show_the_same_and_lead_to_reports(
    client: Client, site: Site, board: list[Submission], against: str
) -> None:
    page = client.get(address(site, "leaderboard_chart"), {"against": against}).content.decode()
    drawing = page[page.index('<svg class="scatter"') : page.index("</svg>", page.index('<svg class="scatter"'))]
    table = page[page.index('<table class="tight figures">') :]
    reports = {reverse("report", args=[one.pk]) for one in board}
    assert set(re.findall(r'href="(/reports/[^"]+)"', drawing)) == reports
    assert set(re.findall(r'href="(/reports/[^"]+)"', table)) == reports
    for miou in re.findall(r": (\d\d\.\d\d) % mIoU", drawing):
        assert f'<td class="number">{miou}</td>' in table


def test_the_chart_says_why_there_is_none(client: Client, site: Site, board: list[Submission]) -> None:
    page = client.get(address(site, "leaderboard_chart"), {"against": "parameters"}).content.decode()
    assert "Fewer than two teams have said how many parameters" in page
    assert "scatter" not in page.partition("<main")[2].partition("</main>")[0]


def test_the_front_of_the_whole_board_is_drawn_beside_a_page(
    client: Client, site: Site, board: list[Submission]
) -> None:
    only = client.get(address(site, "leaderboard_chart"), {"baselines": "only"}).content.decode()
    assert "entry 4" in only
    assert 'aria-label="Asphalt: 70.00 % mIoU' in only  # On the front, though the filter leaves it out of the page.


def test_the_history_tells_of_records_and_links_reports_that_are_there(client: Client, site: Site) -> None:
    older = factories.finished(site.phase, site.team, 0.5, title="older")
    newer = factories.finished(site.phase, site.strangers, 0.6, title="newer")
    newest = factories.finished(site.phase, site.team, 0.65, title="newest")
    page = client.get(address(site, "leaderboard_history")).content.decode()
    assert all(title in page for title in ("older", "newer", "newest"))
    assert "climb" in page
    for one, count in ((older, 0), (newer, 2), (newest, 2)):  # In the drawing and in the table.
        assert page.count(f'href="/reports/{one.pk}/"') == count


# Files


def test_csv_is_the_board_with_the_filters(client: Client, site: Site, board: list[Submission]) -> None:
    response = client.get(address(site, "leaderboard_csv"), {"baselines": "no"})
    assert response.headers["Content-Disposition"] == 'attachment; filename="idd-lite-val-best.csv"'
    rows = list(csv.DictReader(response.getvalue().decode().splitlines()))
    assert [row["title"] for row in rows] == ["first", "entry 1", "entry 2", "entry 3"]
    assert [row["rank"] for row in rows] == ["1", "2", "3", "4"]
    assert float(rows[0]["miou"]) == 0.7


def test_json_is_the_same(client: Client, site: Site, board: list[Submission]) -> None:
    response = client.get(address(site, "leaderboard_json"), {"standing": "latest"})
    found = json.loads(response.getvalue())
    assert response.headers["Content-Type"] == "application/json"
    assert (found["phase"], found["standing"]) == ("val", "latest")
    assert [row["title"] for row in found["rows"]] == ["first", "entry 1", "entry 2", "entry 3", "entry 4"]
    assert json.loads(client.get(address(site, "leaderboard_json"), {"since": "2999-01-01"}).getvalue())["rows"] == []


def test_files_have_a_ceiling(
    client: Client, site: Site, board: list[Submission], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("challenge.views.board.MOST_EXPORTED", 2)
    assert len(client.get(address(site, "leaderboard_csv")).getvalue().decode().splitlines()) == 3
    assert len(json.loads(client.get(address(site, "leaderboard_json")).getvalue())["rows"]) == 2
    assert "the first 2" in client.get(address(site)).content.decode()


def test_who_asks_for_files_all_the_time_waits(client: Client, site: Site, board: list[Submission]) -> None:
    statuses = [client.get(address(site, view)).status_code for view in ("leaderboard_csv", "leaderboard_json") * 16]
    assert statuses == [200] * 30 + [429] * 2
    told = client.get(address(site, "leaderboard_csv"))
    assert 1 <= int(told.headers["Retry-After"]) <= 60
    assert b"Ask again in" in told.content
    assert client.get(address(site)).status_code == 200


@pytest.mark.parametrize(
    ("value", "cell"),
    [("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@SUM(A1)", "'@SUM(A1)"), ("\t=1", "'\t=1"), (" =1", "' =1"),
     ("\ufeff=1", "'\ufeff=1"), ("plain", "plain"), (-1.5, -1.5), (None, ""), (True, True), ("", "")],
)  # fmt: skip
def test_no_spreadsheet_runs_a_cell(value: Any, cell: Any) -> None:
    assert spreadsheets.safe(value) == cell


def test_names_that_are_formulas_come_out_as_text(client: Client, site: Site) -> None:
    title = '=HYPERLINK("https://example.org","x"), "y'
    factories.finished(site.phase, factories.team(site.challenge, name="=cmd|' /C calc'!A0"), title=title)
    (row,) = csv.DictReader(client.get(address(site, "leaderboard_csv")).getvalue().decode().splitlines(True))
    assert row["team"].startswith("'=cmd")
    assert row["title"] == f"'{title}"


# What it costs


def test_full_pages_are_small_and_cheap(client: Client, site: Site, django_assert_max_num_queries: Any) -> None:
    """Alice is last of sixty, so her own place is looked up too."""
    for number in range(60):
        team = factories.team(site.challenge, name=f"{number:03} is a team whose name is as long as they get")
        made = factories.finished(
            site.phase, team, miou=0.3 + number / 100, title="A title as long as people write " * 3
        )
        BoardRow.objects.filter(submission=made).update(latency=0.02 + number / 1000)
    Board.objects.update(fronts={})
    own = factories.finished(site.phase, site.team, miou=0.2)
    client.force_login(site.alice)
    boards = [address(site, view) for view in VIEWS[:3]]
    others = [reverse("team", args=[site.challenge.slug, site.team.slug]), reverse("report", args=[own.pk])]
    queries: list[dict[str, str]] = [{}, {"classes": "1"}, {"page": "2", "sort": "latency"}]
    for place, query in [
        *((place, query) for place in boards for query in queries),
        *((place, {}) for place in others),
    ]:
        client.get(place, query)  # Ties of new pairs are looked at once.
        with django_assert_max_num_queries(12):
            response = client.get(place, query)
        assert len(response.content) < 150_000, (place, query, len(response.content))


def test_standings_may_differ(client: Client, site: Site) -> None:
    factories.finished(site.phase, site.team, 0.6, title="first")
    factories.finished(site.phase, site.team, 0.5, title="entry 2")
    assert names(client.get(address(site)).content.decode()) == ["first"]
    latest = client.get(address(site), {"standing": Standing.LATEST.value}).content.decode()
    assert names(latest) == ["entry 2"]
