"""Known holes of runc and containerd: in which versions, and what stands between them and a submission here.

A hole makes the host unsafe where the image or the program in it is enough to use it. It is a warning where it needs
what a run here never has: a volume shared between containers, a terminal, `exec` or `cp`, containerd's Kubernetes
interface, or the engine's authorisation plugins.
"""

from __future__ import annotations

import dataclasses
import re

from sandbox.check.facts import Component

Version = tuple[int, int, int, float]
"""Major, minor, patch, and number of the release candidate; a release has an infinite one."""

RELEASE = float("inf")


@dataclasses.dataclass(frozen=True, slots=True)
class Hole:
    """A published vulnerability.

    Attributes:
        fixed: first versions without it, one a release line, ascending; a newer line has it fixed from the start.
        fixed_builds: of distributions that carry the fix on an older version: what their revision begins with, and
            the first number after that with the fix.
        is_reachable: the image or the program in it can use it here.
        why: it can, or can't.
    """

    component: str
    names: str
    fixed: tuple[Version, ...]
    is_reachable: bool
    why: str
    fixed_builds: tuple[tuple[str, int], ...] = ()

    def is_open_in(self, component: Component) -> bool:
        """True where this version, in this build, has the hole; False for a version that can't be read."""
        version = parse_version(component.version)
        if component.name != self.component or version is None or self._is_mended(component.revision):
            return False
        # Compared within its own release line; older lines than the oldest that was mended stay open.
        line = [fixed for fixed in self.fixed if fixed[:2] == version[:2]]
        return version < (line[0] if line else self.fixed[-1])

    def _is_mended(self, revision: str) -> bool:
        for start, first in self.fixed_builds:
            build = re.match(r"\d+", revision[len(start) :])
            if revision.startswith(start) and build and int(build[0]) >= first:
                return True
        return False


def parse_version(text: str) -> Version | None:
    """`1.1.5+ds1`, `v1.2.8`, `1.0.0~rc93+ds1`, `1.4.0-rc.3`, `20.10.24+dfsg1`; None for what is no version."""
    match = re.search(r"\b(?:v)?(\d+)\.(\d+)(?:\.(\d+))?(?:[-~.]?rc[.-]?(\d+))?", text)
    if match is None:
        return None
    candidate = float(match[4]) if match[4] else RELEASE
    return int(match[1]), int(match[2]), int(match[3] or 0), candidate


def open_holes(components: tuple[Component, ...], is_reachable: bool) -> list[Hole]:
    """Those of the table that these parts have, oldest first."""
    wanted = [hole for hole in HOLES if hole.is_reachable == is_reachable]
    return [hole for hole in wanted if any(hole.is_open_in(component) for component in components)]


HOLES: tuple[Hole, ...] = (
    Hole(
        "runc",
        "CVE-2019-5736",
        ((1, 0, 0, 7),),
        is_reachable=True,
        why="the entry point of an image overwrites runc itself; only the unprivileged user of a run is in its way",
    ),
    Hole(
        "runc",
        "CVE-2019-16884, CVE-2019-19921",
        ((1, 0, 0, 10),),
        is_reachable=False,
        why="they need a volume over /proc, which is refused, or one that two containers share",
    ),
    Hole(
        "runc",
        "CVE-2021-30465",
        ((1, 0, 0, 95),),
        is_reachable=False,
        why="it needs a volume that two containers share",
    ),
    Hole(
        "runc",
        "CVE-2023-25809, CVE-2023-27561, CVE-2023-28642",
        ((1, 1, 5, RELEASE),),
        is_reachable=False,
        why="they need a volume that two containers share, /proc of the image to be a link (the Docker Engine puts a "
        "directory in its place first), or a rootless engine with the cgroups of its host",
    ),
    Hole(
        "runc",
        "CVE-2024-21626",
        ((1, 1, 12, RELEASE), (1, 2, 0, 1)),
        is_reachable=True,
        why="a link in the image, used as its WORKDIR, leads to the file system of the host",
        fixed_builds=(("1.1.5+ds1-1+deb12u", 1),),
    ),
    Hole(
        "runc",
        "CVE-2024-45310",
        ((1, 1, 14, RELEASE), (1, 2, 0, 3)),
        is_reachable=False,
        why="it needs a volume that two containers share, and makes empty files only",
    ),
    Hole(
        "runc",
        "CVE-2025-31133, CVE-2025-52565, CVE-2025-52881",
        ((1, 2, 8, RELEASE), (1, 3, 3, RELEASE), (1, 4, 0, 3)),
        is_reachable=False,
        why="they need a mount that two containers share, or a terminal",
    ),
    Hole(
        "runc",
        "CVE-2026-41579",
        ((1, 3, 6, RELEASE), (1, 4, 3, RELEASE), (1, 5, 0, 3)),
        is_reachable=False,
        why="it needs /dev of the image to be a link, and the Docker Engine puts a directory in its place first",
    ),
    Hole(
        "containerd",
        "CVE-2020-15257",
        ((1, 3, 9, RELEASE), (1, 4, 3, RELEASE)),
        is_reachable=False,
        why="it needs the network of the host, and a run has none",
    ),
    Hole(
        "containerd",
        "CVE-2022-23471, CVE-2022-23648, CVE-2022-31030",
        ((1, 5, 16, RELEASE), (1, 6, 12, RELEASE)),
        is_reachable=False,
        why="they need containerd's Kubernetes interface, or `exec` with a terminal",
    ),
    Hole(
        "containerd",
        "CVE-2024-25621",
        ((1, 7, 29, RELEASE), (2, 0, 7, RELEASE), (2, 1, 5, RELEASE), (2, 2, 0, RELEASE)),
        is_reachable=False,
        why="it needs a user of the host",
        fixed_builds=(("1.6.20~ds1-1+deb12u", 2),),
    ),
)
