"""How long a submission will wait: worked out from what runs, what is ahead, and how long such runs took lately.

It is a guess and is told as one, in round words; where too little is known it is not told at all.
"""

from __future__ import annotations

import datetime as dt
import heapq
import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from django.core.cache import cache
from django.db.models import Q
from django.utils import timezone

from challenge import lineup
from challenge.lineup import Place
from challenge.models import Attempt, AttemptState, Host, Kind, Phase, Submission
from sandbox import Code

Sort = tuple[int, bool]
"""What takes about as long: the phase, and whether it runs or is only scored."""

NEWEST = 500
"""Attempts that are looked at, of the whole site."""

MOST_OF_A_SORT, FEWEST_OF_A_SORT = 20, 2
RECENT = dt.timedelta(days=7)
REMEMBERED_SECONDS = 20

MOST_AHEAD = 2_000
"""With more in line it takes hours, and nobody can say how many."""

_SAYS_NOTHING = [code.value for code in Code if code.is_platform or code is Code.CANCELLED]


def until_start(
    ahead: Mapping[Sort, int], running: Sequence[tuple[Sort, float]], usual: Mapping[Sort, float]
) -> float | None:
    """Seconds until one behind all these may start; None where it can't be told.

    While something waits, every place to run is taken: so what runs now says how many places there are.

    Args:
        ahead: how many of each sort come before it.
        running: sort of each that runs where it could run, and the seconds since it began.
        usual: how long each sort takes.
    """
    if not running and not ahead:
        return 0.0
    if not running or sum(ahead.values()) > MOST_AHEAD:
        return None
    if any(sort not in usual for sort in [*ahead, *(sort for sort, _ in running)]):
        return None
    # A run that takes longer than usual already may end at any time, or not soon.
    free = [max(usual[sort] - since, usual[sort] / 10) for sort, since in running]
    heapq.heapify(free)
    for sort, count in ahead.items():
        for _ in range(count):
            heapq.heapreplace(free, free[0] + usual[sort])
    return free[0]


def words(seconds: float) -> str:
    """In round words: "less than a minute", "about 4 minutes", "about 2 hours"."""
    if seconds < 50:
        return "less than a minute"
    minutes = max(1, round(seconds / 60))
    if minutes < 10:
        return f"about {minutes} minute{'' if minutes == 1 else 's'}"
    if minutes < 55:
        return f"about {5 * round(minutes / 5)} minutes"
    hours = max(1, round(minutes / 60))
    return f"about {hours} hour{'' if hours == 1 else 's'}" if hours < 36 else f"about {round(hours / 24)} days"


def of_submission(submission: Submission, place: Place) -> str:
    """In words, of one that waits at this place; empty where it can't be told."""
    key = f"parakh-forecast-{submission.pk}"
    if (found := cache.get(key)) is None:
        found = _words(place.takers, place.ahead)
        cache.set(key, found, REMEMBERED_SECONDS)
    return str(found)


def of_next(phase: Phase, kind: str) -> str:
    """The same of one that would be queued now, behind everything."""
    key = f"parakh-forecast-{phase.pk}-{kind}"
    if (found := cache.get(key)) is None:
        takers = lineup.takers(phase, kind)
        found = _words(takers, lineup.waiting_for(takers))
        cache.set(key, found, REMEMBERED_SECONDS)
    return str(found)


def _words(takers: Sequence[Host], ahead: Q) -> str:
    if not takers:
        return ""
    counts: Counter[Sort] = Counter()
    for phase, kind in lineup.waiting().order_by().filter(ahead).values_list("phase", "kind")[: MOST_AHEAD + 1]:
        counts[phase, Kind(kind).runs] += 1
    running, usual = _runs(takers)
    seconds = until_start(counts, running, usual)
    return "" if seconds is None else words(seconds)


def _runs(takers: Sequence[Host]) -> tuple[list[tuple[Sort, float]], dict[Sort, float]]:
    """What runs on these hosts, with the seconds since it began; and how long each sort takes on the whole site.

    That is the mean, from claim to end, of recent attempts that ended by the submissions' own doing.
    """
    now = timezone.now()
    newest = Attempt.objects.order_by("-pk").values_list("pk", flat=True)[:NEWEST]
    recent = Q(state=AttemptState.DONE, done_at__gt=now - RECENT, pk__in=newest) & ~Q(verdict__in=_SAYS_NOTHING)
    columns = ("submission__phase", "submission__kind", "ran_on", "claimed_at", "done_at")
    found = Attempt.objects.filter(recent | ~Q(state=AttemptState.DONE)).order_by("-pk").values_list(*columns)
    running: list[tuple[Sort, float]] = []
    took: dict[Sort, list[float]] = defaultdict(list)
    here = {host.pk for host in takers}
    for phase, kind, host, begun, done in found:
        sort = (phase, Kind(kind).runs)
        if done is None:
            if host in here:
                running.append((sort, (now - begun).total_seconds()))
        elif len(took[sort]) < MOST_OF_A_SORT:
            took[sort].append(max(0.0, (done - begun).total_seconds()))
    usual = {sort: statistics.mean(seconds) for sort, seconds in took.items() if len(seconds) >= FEWEST_OF_A_SORT}
    return running, usual
