"""Which rows of a board are ties: the images can't tell a row from the one above it (evaluator/intervals.py).

Two scores never change, so neither does their being a tie: it is worked out when the two first meet on a page, and kept
in the cache under both ids.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from itertools import pairwise

from django.core.cache import cache

from challenge.models import BoardRow, Phase, Score, Standing
from evaluator import intervals

MOST_SECONDS = 0.5
"""Of a page that meets many new pairs: the rest is left for the next reader."""

KEPT_SECONDS = 30 * 24 * 3600


def with_above(phase: Phase, standing: Standing, rows: Sequence[BoardRow]) -> set[int]:
    """Ids of the rows that are ties with the row before them in `rows`, which are in the order of mIoU."""
    part = "private" if standing == Standing.FINAL and phase.has_split else "public"
    names = {row.pk: f"tie:{part}:{above.score_id}:{row.score_id}" for above, row in pairwise(rows)}
    known: dict[str, bool] = cache.get_many(names.values())
    missing = [(above, row) for above, row in pairwise(rows) if names[row.pk] not in known]
    if missing:
        fresh = _compared(part, [(above.score_id, row.score_id) for above, row in missing])
        found = {f"tie:{part}:{above}:{below}": tie for (above, below), tie in fresh.items()}
        cache.set_many(found, KEPT_SECONDS)
        known |= found
    return {identity for identity, name in names.items() if known.get(name)}


def _compared(part: str, pairs: Sequence[tuple[int, int]]) -> dict[tuple[int, int], bool]:
    """Pairs of scores to whether they are ties; without those there was no time for."""
    until = time.monotonic() + MOST_SECONDS
    packed = _packed(part, {identity for pair in pairs for identity in pair})
    counts = {identity: intervals.unpack(each) for identity, each in packed.items()}
    draws: dict[int, intervals.Draws] = {}
    found = {}
    for one, other in pairs:
        if time.monotonic() > until:
            break
        found[one, other] = False
        # Of scores on other images, or from before images were kept, nothing is claimed.
        if one in counts and other in counts and len(counts[one]) == len(counts[other]) > 1:
            for identity in (one, other):
                if identity not in draws:
                    draws[identity] = intervals.resampled(counts[identity])
            found[one, other] = intervals.draws_tie(draws[one], draws[other])
    return found


def _packed(part: str, scores: Iterable[int]) -> dict[int, bytes]:
    name = "private_per_image" if part == "private" else "per_image"
    rows = Score.objects.filter(pk__in=scores, **{f"{name}__isnull": False}).values_list("pk", name)
    return {identity: bytes(packed) for identity, packed in rows}
