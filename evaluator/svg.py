"""Small charts as SVG text, without any library: bars and lines with axes, for light and dark pages."""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.sax.saxutils import escape

WIDTH, RIGHT, TOP, BOTTOM = 720, 24, 44, 46
INKS = ("#b8860b", "#2a6f97", "#9d3c3c", "#4f772d", "#6d597a", "#c26a1b", "#3d8b8b", "#7a7a7a")
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#222}.t{font-size:15px;font-weight:600}.q{fill:#666}"
    ".g{stroke:#8884;stroke-width:1}.n{font-size:12px}"
    "@media(prefers-color-scheme:dark){text{fill:#eee}.q{fill:#aaa}}"
)


def bars(
    title: str, rows: Sequence[tuple[str, float]], unit: str = "", colours: Sequence[str] | None = None, digits: int = 2
) -> str:
    """Horizontal bars, one a row (name, value at least 0), each with its number."""
    highest = max((value for _, value in rows), default=0.0) or 1.0
    left = min(max((len(name) for name, _ in rows), default=0) * 7.5 + 30, WIDTH / 2)
    room = WIDTH - left - RIGHT - 90
    parts = []
    for index, (name, value) in enumerate(rows):
        y = TOP + 26 * index
        ink = colours[index % len(colours)] if colours else INKS[0]
        parts.append(
            f'<text x="{left - 10:.1f}" y="{y + 15}" text-anchor="end">{escape(name)}</text>'
            f'<rect x="{left:.1f}" y="{y + 2}" width="{room * value / highest:.1f}" height="18" rx="2" fill="{ink}"/>'
            f'<text x="{left + room * value / highest + 8:.1f}" y="{y + 15}" class="n">'
            f"{value:,.{digits}f}{escape(unit)}</text>"
        )
    return _page(title, TOP + 26 * len(rows) + 14, parts)


def lines(
    title: str,
    series: Sequence[tuple[str, Sequence[tuple[float, float]]]],
    x_label: str,
    y_label: str,
    height: int = 380,
) -> str:
    """Lines over two linear axes, with a legend; each series is (name, points by x)."""
    top = TOP + 22
    points = [point for _, each in series for point in each]
    x_ticks = ticks(0.0, max((x for x, _ in points), default=1.0))
    y_ticks = ticks(min((y for _, y in points), default=0.0), max((y for _, y in points), default=1.0))
    left, bottom = 64, height - BOTTOM

    def across(x: float) -> float:
        return left + (WIDTH - left - RIGHT) * (x - x_ticks[0]) / (x_ticks[-1] - x_ticks[0])

    def up(y: float) -> float:
        return bottom - (bottom - top) * (y - y_ticks[0]) / (y_ticks[-1] - y_ticks[0])

    parts = [
        f'<line x1="{left}" x2="{WIDTH - RIGHT}" y1="{up(y):.1f}" y2="{up(y):.1f}" class="g"/>'
        f'<text x="{left - 8}" y="{up(y) + 4:.1f}" text-anchor="end" class="n q">{y:g}</text>'
        for y in y_ticks
    ]
    parts += [
        f'<text x="{across(x):.1f}" y="{bottom + 18}" text-anchor="middle" class="n q">{x:g}</text>' for x in x_ticks
    ]
    parts.append(
        f'<text x="{(left + WIDTH) / 2:.0f}" y="{height - 8}" text-anchor="middle" class="q">{escape(x_label)}</text>'
    )
    parts.append(f'<text x="{left}" y="{TOP + 14}" class="q n">{escape(y_label)}</text>')
    for index, (name, each) in enumerate(series):
        ink = INKS[index % len(INKS)]
        path = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in each)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{ink}" stroke-width="2"/>')
        parts += [f'<circle cx="{across(x):.1f}" cy="{up(y):.1f}" r="2.5" fill="{ink}"/>' for x, y in each]
        y = bottom - 14 - 18 * (len(series) - 1 - index)
        parts.append(
            f'<rect x="{WIDTH - RIGHT - 190}" y="{y - 9}" width="14" height="4" fill="{ink}"/>'
            f'<text x="{WIDTH - RIGHT - 170}" y="{y - 3}" class="n">{escape(name)}</text>'
        )
    return _page(title, height, parts)


def ticks(low: float, high: float, about: int = 6) -> list[float]:
    """Round values from at or below `low` to at or above `high`, at least two."""
    if high <= low:
        high = low + 1
    step = 10 ** math.floor(math.log10((high - low) / about))
    step *= next(factor for factor in (1, 2, 5, 10) if (high - low) / (step * factor) <= about)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(step * index, 10) for index in range(first, last + 1)]


def _page(title: str, height: int, parts: list[str]) -> str:
    name = escape(title, {'"': "&quot;"})
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{name}">'
        f'<style>{_STYLE}</style><text x="16" y="22" class="t">{name}</text>{"".join(parts)}</svg>\n'
    )
