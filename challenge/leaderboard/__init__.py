"""Every read for ranking: pages of a board, a team's line, the best score over time, fronts, files.

Rows are kept by ranking/ in the transactions that change what is ranked. A board has three standings
(models/scores.py): ask `standings_for` which of them a person may see.
"""

from challenge.fronts import AXES, Axis, Front, Point, pareto
from challenge.leaderboard.files import EXPORT_COLUMNS, export_rows
from challenge.leaderboard.history import MOST_LISTED, Disqualified, Step, disqualified, history
from challenge.leaderboard.pages import (
    MOST_ROWS,
    PAGE_SIZE,
    SORTS,
    Filters,
    Page,
    Row,
    Sort,
    best_row,
    page,
    row_of,
)
from challenge.permissions import standings_for

__all__ = [
    "AXES",
    "EXPORT_COLUMNS",
    "MOST_LISTED",
    "MOST_ROWS",
    "PAGE_SIZE",
    "SORTS",
    "Axis",
    "Disqualified",
    "Filters",
    "Front",
    "Page",
    "Point",
    "Row",
    "Sort",
    "Step",
    "best_row",
    "disqualified",
    "export_rows",
    "history",
    "page",
    "pareto",
    "row_of",
    "standings_for",
]
