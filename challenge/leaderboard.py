"""Every read for ranking: pages of the board, each team's best submission once.

Rows are kept by the publishing transaction (submissions.py); reading a page costs the same for ten teams and for a
hundred thousand, except that a far page counts the rows before it in the index.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

from django.db.models import QuerySet

from challenge.models import BoardRow, Phase, Score, Submission, Team

PAGE_SIZE = 50


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One line of the board. Figures of the run are None where they were not measured."""

    rank: int
    team: Team
    submission: Submission
    score: Score

    @property
    def miou(self) -> float:
        """Fraction of 1."""
        return self.score.miou

    @property
    def is_baseline(self) -> bool:
        """Bundled with the platform, to be beaten."""
        return self.team.is_baseline


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """One page of the board; `number` counts from 1."""

    rows: list[Row]
    number: int
    size: int
    total: int

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, math.ceil(self.total / self.size))

    @property
    def previous_number(self) -> int | None:
        """The page before, if there is one."""
        return self.number - 1 if self.number > 1 else None

    @property
    def next_number(self) -> int | None:
        """The page after, if there is one."""
        return self.number + 1 if self.number < self.pages else None

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)


def page(phase: Phase, number: int = 1, size: int = PAGE_SIZE) -> Page:
    """A page of the board: best mIoU first, and of equal ones the earlier submission first.

    Equal mIoU gives equal rank, and the ranks after it are left out (1, 2, 2, 4). A number outside the board gives
    its first or last page.
    """
    board = _board(phase)
    total = board.count()
    number = min(max(1, number), max(1, math.ceil(total / size)))
    start = (number - 1) * size
    rows = list(board.select_related("team", "submission", "score")[start : start + size])
    return Page(rows=list(_ranked(board, rows, start)), number=number, size=size, total=total)


def row_of(phase: Phase, team: Team) -> Row | None:
    """The team's line, with its rank, if it has a score in this phase."""
    row = BoardRow.objects.select_related("team", "submission", "score").filter(phase=phase, team=team).first()
    if row is None:
        return None
    better = BoardRow.objects.filter(phase=phase, miou__gt=row.miou).count()
    return Row(rank=better + 1, team=row.team, submission=row.submission, score=row.score)


def _board(phase: Phase) -> QuerySet[BoardRow]:
    """All rows in the order of the index `board_order`."""
    return BoardRow.objects.filter(phase=phase).order_by("-miou", "achieved", "id")


def _ranked(board: QuerySet[BoardRow], rows: list[BoardRow], start: int) -> Iterator[Row]:
    """Ranks by counting, not by a window over the whole board: one index lookup for the page's first row."""
    rank, last = 0, None
    for place, row in enumerate(rows, start + 1):
        if last is None:
            rank = board.filter(miou__gt=row.miou).count() + 1
        elif row.miou < last:
            rank = place
        last = row.miou
        yield Row(rank=rank, team=row.team, submission=row.submission, score=row.score)
