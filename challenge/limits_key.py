"""A short name for a set of limits, so that the board can say which rows ran under others than today's."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping

from sandbox import Limits


@functools.lru_cache(maxsize=1_000)
def limits_key(limits: Limits) -> str:
    """The same for equal limits: twelve hexadecimal digits.

    Made of what differs from the defaults: a limit that is invented later leaves the names that are stored as they are.
    """
    usual = Limits().as_dict()
    own = {name: value for name, value in limits.as_dict().items() if value != usual[name]}
    plain = {name: value if isinstance(value, str) else float(value) for name, value in own.items()}
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:12]


def key_of_snapshot(snapshot: Mapping[str, int | float | str]) -> str:
    """The same of limits as an attempt keeps them."""
    return _of_items(tuple(sorted(snapshot.items())))


@functools.lru_cache(maxsize=1_000)
def _of_items(items: tuple[tuple[str, int | float | str], ...]) -> str:
    """Reading a snapshot checks each limit; a hundred thousand rows have few different ones."""
    return limits_key(Limits.from_dict(dict(items)))
