"""Who stands where: which submission counts in which standing, the records of a phase, and what a board comes to."""

from __future__ import annotations

import datetime as dt
import itertools
import random
import uuid
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from challenge import fronts, leaderboard, ranking, submissions
from challenge.models import Board, BoardRow, Record, Standing, Submission, Team
from challenge.ranking.entries import Entry, choose, staircase
from sandbox import Code, Limits
from tests import factories
from tests.conftest import Site

NOON = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)


def entry(number: int, public: float, private: float | None = None, *, chosen: bool = False) -> Entry:
    """The number-th of a team's day: one an hour."""
    return Entry(uuid.UUID(int=number), 1, NOON + dt.timedelta(hours=number), chosen, public, private)


@pytest.mark.parametrize(
    ("entries", "frozen_at", "split", "best", "latest", "final"),
    [
        ([], None, False, None, None, None),
        ([entry(1, 0.5)], None, False, 1, 1, 1),
        ([entry(1, 0.5), entry(2, 0.4)], None, False, 1, 2, 1),
        ([entry(1, 0.4), entry(2, 0.5)], None, False, 2, 2, 2),
        ([entry(1, 0.5), entry(2, 0.5)], None, False, 1, 2, 1),
        # Chosen is final, however good.
        ([entry(1, 0.5), entry(2, 0.4, chosen=True), entry(3, 0.3)], None, False, 1, 3, 2),
        # Frozen: later ones are only in the final standing.
        ([entry(1, 0.4), entry(2, 0.5)], 2, False, 1, 1, 2),
        ([entry(2, 0.5)], 2, False, None, None, 2),
        ([entry(1, 0.4, chosen=True), entry(2, 0.5)], 2, False, 1, 1, 1),
        # Unless chosen, what is final is told by the public score: the private one is secret from its team too.
        ([entry(1, 0.5, 0.1), entry(2, 0.4, 0.9)], None, True, 1, 2, 1),
        ([entry(1, 0.5, 0.1), entry(2, 0.4, 0.9, chosen=True)], None, True, 1, 2, 2),
        # From before there was a split: no private score, so not in the final standing.
        ([entry(1, 0.5, chosen=True), entry(2, 0.4, 0.9)], None, True, 1, 2, 2),
        ([entry(1, 0.5)], None, True, 1, 1, None),
    ],
)
def test_which_counts(
    entries: list[Entry], frozen_at: int | None, split: bool, best: int | None, latest: int | None, final: int | None
) -> None:
    since = None if frozen_at is None else NOON + dt.timedelta(hours=frozen_at)
    for order in itertools.permutations(entries):
        found = {standing: one.id.int for standing, one in choose(order, since, split).items()}
        wanted = {Standing.BEST: best, Standing.LATEST: latest, Standing.FINAL: final}
        assert found == {standing: number for standing, number in wanted.items() if number is not None}


@pytest.mark.parametrize(
    ("publics", "steps"),
    [
        ([], []),
        ([0.5], [1]),
        ([0.5, 0.4, 0.6, 0.6, 0.7], [1, 3, 5]),
        ([0.9, 0.5, 0.6], [1]),
    ],
)
def test_a_record_is_better_than_all_before_it(publics: list[float], steps: list[int]) -> None:
    entries = [entry(number, public) for number, public in enumerate(publics, 1)]
    random.Random(1).shuffle(entries)
    assert [one.id.int for one in staircase(entries)] == steps


FIGURE = st.integers(0, 6).map(lambda number: number / 6)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 6), st.one_of(st.none(), FIGURE), st.one_of(st.none(), FIGURE)), max_size=30))
def test_a_kept_front_is_that_of_all_rows(changes: list[tuple[int, float | None, float | None]]) -> None:
    rows: dict[int, tuple[float, float]] = {}
    kept: list[Any] = []
    for identity, x, miou in changes:
        rows.pop(identity, None)
        if x is not None and miou is not None:
            rows[identity] = (x, miou)
        found = fronts.with_row(kept, identity, x, miou)
        kept = naive_front(rows) if found is None else found
        assert [member[:2] for member in kept] == [member[:2] for member in naive_front(rows)]
        assert all(list(rows[member[2]]) == member[:2] for member in kept)


def naive_front(rows: dict[int, tuple[float, float]]) -> list[list[float]]:
    return [
        [x, miou, identity]
        for (x, miou), identity in sorted({place: identity for identity, place in rows.items()}.items())
        if not any((a <= x and b >= miou) and (a, b) != (x, miou) for a, b in rows.values())
    ]


# With the site


def sent(site: Site, team: Team, miou: float, *, hours_ago: float = 0, **given: Any) -> Submission:
    """A scored submission that was sent some hours ago."""
    made = factories.finished(site.phase, team, miou, **given)
    Submission.objects.filter(pk=made.pk).update(created=timezone.now() - dt.timedelta(hours=hours_ago))
    ranking.refresh(site.phase, team)
    made.refresh_from_db()
    return made


def rows(site: Site) -> dict[str, list[Submission]]:
    """Who is on each board, in its order."""
    return {standing.value: [row.submission for row in leaderboard.page(site.phase, standing)] for standing in Standing}


def records(site: Site) -> list[float]:
    return [round(step.miou, 6) for step in leaderboard.history(site.phase)]


def all_as_rebuilt(site: Site) -> None:
    """What was kept step by step is what comes of working it all out anew."""
    names = [field.name for field in BoardRow._meta.fields if field.name != "id"]
    seen = [
        list(BoardRow.objects.filter(phase=site.phase).order_by("standing", "team").values_list(*names)),
        list(Record.objects.filter(phase=site.phase).values_list("submission", "miou", "achieved")),
        list(Board.objects.filter(phase=site.phase).order_by("standing").values_list("standing", "total")),
        fronts_now(site),
    ]
    ranking.rebuild(site.phase)
    again = [
        list(BoardRow.objects.filter(phase=site.phase).order_by("standing", "team").values_list(*names)),
        list(Record.objects.filter(phase=site.phase).values_list("submission", "miou", "achieved")),
        list(Board.objects.filter(phase=site.phase).order_by("standing").values_list("standing", "total")),
        fronts_now(site),
    ]
    assert again == seen


def fronts_now(site: Site) -> list[Any]:
    boards = Board.objects.filter(phase=site.phase).order_by("standing")
    return [[[member[:2] for member in front] for front in board.fronts.values()] for board in boards]


def test_a_row_has_all_figures_to_sort_by(site: Site) -> None:
    made = factories.submission(site.phase, site.team)
    Submission.objects.filter(pk=made.pk).update(parameters=70_000)
    attempt = submissions.claim("w", 60)
    assert attempt is not None
    submissions.publish(attempt, factories.report(skills=[0.2, 0.4], latency_median_seconds=0.03, cpu_seconds=7.0))
    for row in BoardRow.objects.filter(submission=made):
        assert (row.miou, row.latency, row.cpu_seconds) == (pytest.approx(0.3), 0.03, 7.0)
        assert (row.memory, row.size, row.parameters) == (100 * 1024**2, 5 * 1024**2, 70_000)
        assert row.limits_key
        assert [getattr(row, f"iou_{label}") for label in range(7)] == pytest.approx([0.3] * 7)
    assert BoardRow.objects.filter(submission=made).count() == 3


def test_what_was_not_measured_is_not_known(site: Site) -> None:
    factories.submission(site.phase, site.team)
    attempt = submissions.claim("w", 60)
    assert attempt is not None
    nothing = dict.fromkeys(
        ("latency_median_seconds", "latency_p90_seconds", "cpu_seconds", "memory_peak_bytes", "image_bytes")
    )
    submissions.publish(attempt, factories.report(**nothing))
    (row,) = leaderboard.page(site.phase)
    assert [row.latency, row.memory, row.cpu_seconds, row.size, row.parameters] == [None] * 5


def test_the_three_standings_of_a_team(site: Site) -> None:
    best = sent(site, site.team, 0.5, hours_ago=3)
    chosen = sent(site, site.team, 0.4, hours_ago=2)
    latest = sent(site, site.team, 0.3, hours_ago=1)
    ranking.choose_final(chosen, site.alice)
    assert rows(site) == {"best": [best], "latest": [latest], "final": [chosen]}
    all_as_rebuilt(site)


def test_records_in_whatever_order_they_are_evaluated(site: Site) -> None:
    sent(site, site.team, 0.4, hours_ago=5)
    sent(site, site.strangers, 0.5, hours_ago=3)
    sent(site, site.team, 0.45, hours_ago=4)
    sent(site, site.team, 0.3, hours_ago=2)
    sent(site, site.strangers, 0.7, hours_ago=1)
    assert records(site) == [0.4, 0.45, 0.5, 0.7]
    sent(site, site.team, 0.6, hours_ago=6)
    assert records(site) == [0.6, 0.7]
    all_as_rebuilt(site)


def test_a_rerun_that_lowers_a_record_brings_up_the_others(site: Site) -> None:
    sent(site, site.team, 0.4, hours_ago=5)
    record = sent(site, site.strangers, 0.7, hours_ago=4)
    sent(site, site.team, 0.5, hours_ago=3)
    sent(site, site.team, 0.8, hours_ago=2)
    assert records(site) == [0.4, 0.7, 0.8]
    submissions.rerun(record, site.olga)
    assert records(site) == [0.4, 0.7, 0.8], "the score stays while it runs"
    factories.evaluate_all(0.45)
    assert records(site) == [0.4, 0.45, 0.5, 0.8]
    submissions.rerun(record, site.olga)
    attempt = submissions.claim("w", 60)
    assert attempt is not None
    submissions.publish(attempt, factories.report(Code.MEMORY_LIMIT))
    assert records(site) == [0.4, 0.5, 0.8]
    all_as_rebuilt(site)


def test_after_any_course_of_events_everything_is_as_if_worked_out_anew(site: Site) -> None:
    chance = random.Random(4)
    teams = [site.team, site.strangers, factories.team(site.challenge, name="Third")]
    made: list[Submission] = []
    for step in range(40):
        team = chance.choice(teams)
        if step < 12 or chance.random() < 0.4:
            made.append(sent(site, team, chance.randint(1, 9) / 10, hours_ago=chance.random() * 20))
            continue
        one = Submission.objects.get(pk=chance.choice(made).pk)
        try:
            match chance.randrange(4):
                case 0:
                    submissions.rerun(one, site.olga)
                    factories.evaluate_all(
                        chance.randint(1, 9) / 10, latency_median_seconds=chance.choice([None, 0.01, 0.02, 0.03])
                    )
                case 1:
                    act = ranking.reinstate if one.disqualified_at else ranking.disqualify
                    act(one, site.olga, "chance")
                case 2:
                    team.refresh_from_db()
                    act = ranking.reinstate if team.disqualified_at else ranking.disqualify
                    act(team, site.olga, "chance")
                case 3:
                    ranking.choose_final(one, one.creator)
        except submissions.Refused:
            pass
    assert Board.objects.get(phase=site.phase, standing="best").total == len(rows(site)["best"])
    all_as_rebuilt(site)


def test_a_frozen_board_stays_as_it_was(site: Site) -> None:
    before = sent(site, site.team, 0.4, hours_ago=5)
    later = sent(site, site.team, 0.6, hours_ago=1)
    unseen = sent(site, site.strangers, 0.7, hours_ago=1)
    site.phase.freezes = timezone.now() - dt.timedelta(hours=2)
    site.phase.save()
    ranking.rebuild(site.phase)
    assert rows(site) == {"best": [before], "latest": [before], "final": [unseen, later]}
    assert records(site) == [0.4]
    newest = factories.finished(site.phase, site.strangers, 0.9, user=site.carol)
    assert rows(site) == {"best": [before], "latest": [before], "final": [newest, later]}
    assert records(site) == [0.4]
    all_as_rebuilt(site)


def test_a_late_evaluation_of_what_was_sent_in_time_counts_on_the_frozen_board(site: Site) -> None:
    site.phase.freezes = timezone.now() + dt.timedelta(hours=1)
    site.phase.save()
    made = factories.submission(site.phase, site.team)
    site.phase.freezes = timezone.now()
    site.phase.save()
    factories.evaluate_all(0.4)
    assert rows(site)["best"] == [made]


def test_other_limits_are_seen_and_the_same_again_are_not(site: Site) -> None:
    factories.finished(site.phase, site.team)
    old = dict(site.phase.limits_data)
    assert [row.ran_under_other_limits for row in leaderboard.page(site.phase)] == [False]
    site.phase.limits_data = old | {"memory_bytes": 2 * old["memory_bytes"]}
    site.phase.save()
    assert [row.ran_under_other_limits for row in leaderboard.page(site.phase)] == [True]
    site.phase.limits_data = Limits.from_dict(old).as_dict()
    assert [row.ran_under_other_limits for row in leaderboard.page(site.phase)] == [False]


def test_the_command_rebuilds_what_was_spoiled(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    made = factories.finished(site.phase, site.team, 0.5)
    BoardRow.objects.all().delete()
    Record.objects.all().delete()
    Board.objects.update(total=77, fronts={})
    call_command("rebuild_boards")
    assert "Validation: 1 teams" in capsys.readouterr().out
    assert rows(site) == {"best": [made], "latest": [made], "final": [made]}
    assert leaderboard.page(site.phase).total == 1
    assert records(site) == [0.5]
    with pytest.raises(CommandError, match="There is no challenge 'nope'"):
        call_command("rebuild_boards", "nope")
