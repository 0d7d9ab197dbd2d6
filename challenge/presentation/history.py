"""The history chart: the best score over time, as a line that climbs in steps. Pure: the template draws."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence

from django.urls import reverse

from challenge.entrants import Sent
from challenge.leaderboard import Step as Best
from challenge.presentation.axes import Frame, percents, times


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """A score, when it came, whose it was; `link` leads to its report (may be empty)."""

    name: str
    detail: str
    link: str
    at: dt.datetime
    miou: float


@dataclasses.dataclass(frozen=True, slots=True)
class Mark:
    """A step at its place, in the chart's units."""

    step: Step
    cx: float
    cy: float


@dataclasses.dataclass(frozen=True, slots=True)
class History(Frame):
    """All a template needs to draw the chart. `line` goes right, then up, to each mark and on to the end."""

    marks: list[Mark] = dataclasses.field(kw_only=True)
    line: str = dataclasses.field(kw_only=True)


def of_step(step: Best, has_report: bool) -> Step:
    """A record of a phase, as it is drawn."""
    link = reverse("report", args=[step.submission.pk]) if has_report else ""
    return Step(step.team.name, step.submission.title, link, step.achieved, step.miou)


def of_sent(sent: Sent, has_report: bool) -> Step:
    """A step of one team's way: here the submission's title is what it is called."""
    link = reverse("report", args=[sent.submission]) if has_report else ""
    return Step(sent.title, "", link, sent.achieved, sent.miou)


def history(steps: Sequence[Step], end: dt.datetime) -> History | None:
    """The chart of scores in the order they came; each holds until a higher one comes, the last until `end`.

    None with fewer than two: a single score needs no chart.
    """
    if len(steps) < 2:
        return None
    across, up = times(steps[0].at, max(end, steps[-1].at)), percents([step.miou for step in steps])
    marks = [Mark(step, across.place(step.at), up.place(step.miou)) for step in steps]
    corners: list[tuple[float, float]] = []
    best = 0.0
    for mark in marks:
        if corners and mark.step.miou <= best:
            continue
        if corners:
            corners.append((mark.cx, corners[-1][1]))
        corners.append((mark.cx, mark.cy))
        best = mark.step.miou
    corners.append((across.place(across.end), corners[-1][1]))
    return History(
        marks=marks,
        line=" ".join(f"{x},{y}" for x, y in corners),
        x_ticks=list(across.ticks),
        y_ticks=up.ticks,
    )
