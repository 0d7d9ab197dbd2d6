"""Who stands where: everything that writes a board, and the acts of people that change what is ranked.

Three standings of each team (models/scores.py): its best and its latest submission by the public score, and the final
one: as its team chose, else its best, and ranked by the private score where there is a split. What is disqualified is
in none. While a phase is frozen the first two know only what was sent before, and so do the records.

`leaderboard.py` reads what is written here.
"""

from challenge.ranking.acts import choose_final, disqualify, reinstate, reveal, unchoose_final, why_not_reveal
from challenge.ranking.rows import rebuild, refresh

__all__ = [
    "choose_final",
    "disqualify",
    "rebuild",
    "refresh",
    "reinstate",
    "reveal",
    "unchoose_final",
    "why_not_reveal",
]
