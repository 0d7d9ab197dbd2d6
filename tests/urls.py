"""Every address of the site, drawn from its map, with something in the place of each argument."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from typing import Any

from django.urls import get_resolver
from django.urls.resolvers import URLPattern, URLResolver

NOWHERE = uuid.UUID("00000000-0000-4000-8000-000000000000")

_FILLED: dict[str, Any] = {"UUIDConverter": NOWHERE, "IntConverter": 999_999}
"""By converter; text else."""


def every_pattern(resolver: Any = None, namespace: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Name, with its namespace, and pattern of each address; those without a name are left out."""
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from every_pattern(pattern, inner)
        elif pattern.name:
            yield namespace + pattern.name, pattern


def filled(pattern: URLPattern, **known: Any) -> dict[str, Any]:
    """Arguments for a pattern: those that are known by name, and else ones that name nothing."""
    converters = {name: type(one).__name__ for name, one in pattern.pattern.converters.items()}
    if converters:
        return {name: known.get(name, _FILLED.get(converter, "x")) for name, converter in converters.items()}
    written = pattern.pattern.regex.pattern
    groups = {name: re.search(rf"\(\?P<{name}>(.*?)\)", written) for name in pattern.pattern.regex.groupindex}
    return {name: known.get(name, _a_word_of(found[1] if found else "")) for name, found in groups.items()}


def _a_word_of(alternatives: str) -> str:
    """The first of `challenge|auth|account`; of anything else, a letter."""
    first = alternatives.partition("|")[0]
    return first if first.isalpha() else "x"
