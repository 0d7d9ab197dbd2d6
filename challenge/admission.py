"""May this person submit this file to this phase? Cheap questions, asked before anything is kept."""

from __future__ import annotations

import dataclasses
import datetime as dt

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from challenge import permissions, uploads
from challenge.models import Kind, Phase, Team

GRACE_MINUTES = 30
"""For so long after a phase has closed the rest of an upload may arrive that was begun before."""


MOST_PARAMETERS = 10**13
MOST_GMAC = 10**7
"""Of what a team may say of its model: beyond, it is a slip of the pen."""


class Refused(Exception):
    """It can't be done now; the message tells the person who asked why, and what to do."""


def check_may_submit(phase: Phase, team: Team, user: User) -> None:
    """Raises Refused unless this user may submit for this team to this phase today."""
    if team.challenge_id != phase.challenge_id:
        raise Refused("This team belongs to another challenge.")
    is_organizer = permissions.can_edit(user, phase.challenge)
    if not phase.challenge.is_public and not is_organizer:
        raise Refused("This challenge is not public.")
    is_member = team.memberships.filter(user=user).exists()
    if not is_member and not (team.is_baseline and is_organizer):
        raise Refused("You are not in this team.")
    if team.is_baseline:
        return
    if not permissions.has_confirmed_address(user):
        raise Refused(permissions.NOT_CONFIRMED)
    now = timezone.now()
    if now < phase.opens:
        raise Refused(f"This phase opens on {phase.opens:%d %B %Y at %H:%M} UTC.")
    if now >= phase.closes:
        raise Refused(f"This phase closed on {phase.closes:%d %B %Y at %H:%M} UTC.")


def too_late(phase: Phase, team: Team, at: dt.datetime) -> str:
    """A sentence if bytes of an upload that was begun in time come too late at this moment; else empty."""
    ends = phase.closes + dt.timedelta(minutes=GRACE_MINUTES)
    if team.is_baseline or at < ends:
        return ""
    return (
        f"This phase closed on {phase.closes:%d %B %Y at %H:%M} UTC. Uploads begun before that had to be complete "
        f"{GRACE_MINUTES} minutes later."
    )


def check_size(phase: Phase, kind: str, size: int) -> int:
    """Most bytes an upload of this kind may have here. Raises Refused for a kind or an announced size not taken."""
    if kind not in phase.kinds:
        raise Refused(f"This phase takes no submissions of the kind {kind!r}; it takes {', '.join(phase.kinds)}.")
    most_bytes = uploads.ceiling(kind, phase.limits)
    if size > most_bytes:
        raise Refused(f"The file has {size:,} bytes; this phase takes at most {most_bytes:,}.")
    if size < 1:
        raise Refused("The file is empty. Choose it again; perhaps it was still being written.")
    return most_bytes


def base_image(kind: str, base: str) -> str:
    """The base image to use. Raises Refused for one that is not offered."""
    if kind != Kind.CODE:
        return ""
    offered: tuple[str, ...] = settings.PARAKH_BASES
    if base and base not in offered:
        raise Refused(f"{base!r} is no base image of this platform; offered are {', '.join(offered)}.")
    return base or offered[0]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a team says of a submission: shown, never measured.

    Attributes:
        method: how it works, in a few sentences.
        link: to the paper or the code.
        gmac: 10^9 multiply-accumulates an image.
    """

    title: str = ""
    method: str = ""
    link: str = ""
    parameters: int | None = None
    gmac: float | None = None

    def checked(self) -> Description:
        """The same, cleaned. Raises Refused for what can't be kept or shown."""
        link = self.link.strip()
        if link and (not link.startswith(("https://", "http://")) or len(link) > 200 or not link.isprintable()):
            raise Refused(
                "The link must be an address that begins with https:// or http://, of at most 200 characters."
            )
        if self.parameters is not None and not 0 <= self.parameters <= MOST_PARAMETERS:
            raise Refused(f"The number of parameters must lie between 0 and {MOST_PARAMETERS:,}.")
        if self.gmac is not None and not 0 <= self.gmac <= MOST_GMAC:  # False for NaN too
            raise Refused(f"GMAC must lie between 0 and {MOST_GMAC:,}; it is 10^9 multiply-accumulates an image.")
        return dataclasses.replace(self, title=one_line(self.title, 100), method=_lines(self.method, 1000), link=link)


def _lines(text: str, most: int) -> str:
    """Text from outside, line by line as printable text."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(one_line(line, most) for line in lines).strip()[:most]


def one_line(text: str, most: int) -> str:
    """Text from outside as one printable line."""
    return "".join(c if c.isprintable() else " " for c in text).strip()[:most]
