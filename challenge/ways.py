"""Where somebody who came to an address that leads nowhere probably wanted to go. Names nothing she may not see."""

from __future__ import annotations

import dataclasses
import re
from difflib import get_close_matches

from django.contrib.auth.models import AnonymousUser, User
from django.urls import reverse

from challenge import agenda, permissions

MOST_COMPARED = 500
"""Addresses of challenges that a mistyped one is compared with."""

_CHALLENGE = re.compile(r"/challenges/([^/]{1,60})")


@dataclasses.dataclass(frozen=True, slots=True)
class Way:
    """A link, and what is there."""

    words: str
    address: str


def from_address(user: User | AnonymousUser, path: str) -> list[Way]:
    """The likeliest first; always ends at the list of challenges."""
    found = list(_to_challenge(user, path))
    if path.startswith(("/submissions", "/reports")) and user.is_authenticated:
        found.append(Way("My submissions", reverse("my_submissions")))
    if path.startswith("/docs"):
        found.append(Way("Documentation", reverse("docs")))
    if path.startswith("/api"):
        found.append(Way("How to use the API", reverse("docs_page", args=["api"])))
    return [*found, Way("All challenges", reverse("challenge_list"))]


def _to_challenge(user: User | AnonymousUser, path: str) -> list[Way]:
    named = _CHALLENGE.match(path)
    if named is None or "\x00" in path:
        return []
    visible = permissions.visible_challenges(user)
    challenge = visible.filter(slug=named[1]).first()
    if challenge is None:
        slugs = list(visible.order_by("-created").values_list("slug", flat=True)[:MOST_COMPARED])
        near = get_close_matches(named[1].lower(), slugs, n=1, cutoff=0.7)
        challenge = visible.get(slug=near[0]) if near else None
    if challenge is None:
        return []
    found = [Way(challenge.title, reverse("challenge", args=[challenge.slug]))]
    phase = agenda.main_phase(list(challenge.phases.all()))
    if phase is not None:
        found.append(Way(f"Leaderboard of {phase.title}", reverse("leaderboard", args=[challenge.slug, phase.slug])))
    if "/teams/" in path:
        found.append(Way(f"Teams of {challenge.title}", reverse("team_list", args=[challenge.slug])))
    return found
