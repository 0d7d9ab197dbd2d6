"""What an address asks of a board, read from its query; and the points of its charts. Pure."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Literal, cast

from django.urls import reverse

from challenge import columns
from challenge.leaderboard import SORTS, Filters, Point, Sort
from challenge.models import Phase, Standing
from challenge.presentation.axes import MEASURES
from challenge.presentation.scatter import Entry

BASELINES = {"yes": "With baselines", "no": "Without baselines", "only": "Only baselines"}
LIMITS = {"any": "Any limits", "current": "Today's limits", "older": "Older limits"}
MOST_PAGES = 1_000_000


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """What a page of the board is to show. Whatever an address has wrong is as if it weren't there.

    Attributes:
        since: the date as it was typed, for the form.
        mistake: about that date, if it is none.
        classes: with a column for each class.
        against: what the Pareto chart sets mIoU against, a name in MEASURES.
    """

    standing: Standing
    sort: Sort
    filters: Filters
    number: int
    since: str
    mistake: str
    classes: bool
    against: str

    @property
    def has_filters(self) -> bool:
        """Some rows may be left out."""
        return self.filters != Filters()

    @classmethod
    def of(cls, query: Mapping[str, str], allowed: Sequence[Standing]) -> Asked:
        """Reads a query; `allowed` are the standings that may be asked for, first the one that is shown unasked."""
        standing = next((one for one in allowed if one == query.get("standing")), allowed[0])
        typed = query.get("since", "").strip()[:20]
        since, mistake = _date(typed)
        baselines, limits = query.get("baselines", ""), query.get("limits", "")
        return cls(
            standing=standing,
            sort=SORTS.get(query.get("sort", ""), SORTS["miou"]),
            filters=Filters(
                baselines=cast(Literal["yes", "no", "only"], baselines if baselines in BASELINES else "yes"),
                limits=cast(Literal["any", "current", "older"], limits if limits in LIMITS else "any"),
                since=since,
            ),
            number=_number(query.get("page", "")),
            since=typed,
            mistake=mistake,
            classes=query.get("classes") == "1",
            against=query.get("against", "") if query.get("against") in MEASURES else "latency",
        )


def _date(typed: str) -> tuple[dt.datetime | None, str]:
    if not typed:
        return None, ""
    try:
        return dt.datetime.combine(dt.date.fromisoformat(typed), dt.time(), dt.UTC), ""
    except (ValueError, OverflowError):
        return None, f"“{typed}” is no date. Write year, month and day, as in 2026-03-31."


def _number(typed: str) -> int:
    return min(int(typed), MOST_PAGES) if typed.isascii() and typed.isdigit() and len(typed) < 10 else 1


@dataclasses.dataclass(frozen=True, slots=True)
class Heading:
    """The heading of a column; `sort` is the order it links to, `aria` what it says of the order that is shown."""

    name: str
    text: str
    below: str
    sort: str
    better: str
    aria: str


def headings(phase: Phase, asked: Asked) -> list[Heading]:
    """Of the columns after mIoU; the classes come after them."""
    return [Heading(c.name, c.heading, c.below, c.sort, c.better, aria(c.sort, asked)) for c in columns.shown(phase)]


def aria(name: str, asked: Asked) -> str:
    """`aria-sort` of a column; empty where the board is in another order."""
    if asked.sort.name != name:
        return ""
    return "descending" if SORTS[name].order[0].startswith("-") else "ascending"


def entry(point: Point, my_team: int | None) -> Entry:
    """A row on the Pareto chart, leading to its report."""
    return Entry(
        name=point.row.team.name,
        detail=point.row.submission.title,
        link=reverse("report", args=[point.row.submission_id]),
        x=point.x,
        y=point.miou,
        is_baseline=point.row.is_baseline,
        is_mine=point.row.team_id == my_team,
    )
