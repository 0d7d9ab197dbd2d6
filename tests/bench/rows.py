"""A line of the table, and the clock."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

ROUNDS = 7


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    measured: str
    value: float
    target: str
    met: bool


def best(*works: Callable[[], None], rounds: int = ROUNDS) -> list[float]:
    """The shortest time of each, over rounds in which all take turns."""
    best = [float("inf")] * len(works)
    for _ in range(rounds):
        for place, work in enumerate(works):
            started = time.perf_counter()
            work()
            best[place] = min(best[place], time.perf_counter() - started)
    return best
