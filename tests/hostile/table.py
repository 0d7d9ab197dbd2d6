"""The table of the corpus: on a terminal after a run, and in docs/security.md."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import get_args

from tests.hostile.cases import Case, Kind, Runtime

DOCUMENT = Path(__file__).parents[2] / "docs" / "security.md"
BEGIN, END = "<!-- corpus: written by `make hostile` -->", "<!-- end of corpus -->"

Seen = dict[tuple[str, Runtime], str]
"""Case id and runtime to what was seen there."""

_HEADINGS: dict[Kind, str] = {
    "containers": "Containers",
    "tars": "Image tars",
    "archives": "Code and prediction archives",
    "outputs": "Output",
}


def lines_for_terminal(cases: Iterable[Case], seen: Seen) -> Iterator[str]:
    """Case, runtime, expected, seen; a star where they differ. Only what was run."""
    yield f"{'case':<58} {'runtime':<8} {'expected':<18} seen"
    for case in cases:
        for runtime, expected in case.expected.items():
            if found := seen.get((case.id, runtime)):
                star = "" if found == expected.expect else "  *"
                yield f"{case.id:<58} {runtime:<8} {expected.expect:<18} {found}{star}"


def document_with(text: str, cases: list[Case], seen: Seen) -> str:
    """The document with the table written anew. What was not run this time keeps what the table says of it.

    Raises:
        ValueError: the document has no place for the table.
    """
    if BEGIN not in text or END not in text:
        raise ValueError(f"there is no place for the table: no {BEGIN!r} and {END!r}")
    known = seen_in(text) | seen
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{''.join(_tables(cases, known))}{END}{rest.partition(END)[2]}"


def seen_in(text: str) -> Seen:
    """What the document's table says was seen."""
    found: Seen = {}
    for name, _, _, runc, runsc in _rows(text):
        cells: dict[Runtime, str] = {"runc": runc, "runsc": runsc}
        found |= {(name, runtime): cell for runtime, cell in cells.items() if not cell.startswith("–")}
    return found


def expected_in(text: str) -> list[tuple[str, str, str]]:
    """Case id, title and expected verdicts, as the document's table has them."""
    return [(name, title, expected) for name, title, expected, _, _ in _rows(text)]


def row_of(case: Case) -> tuple[str, str, str]:
    """The same, as the table must have them."""
    wanted = case.expected["runc"].expect
    other = case.expected.get("runsc")
    if other and other.why:
        wanted += f"; on runsc {other.expect}: {other.why}"
    return case.id, case.title.replace("|", "\\|"), wanted


def _tables(cases: list[Case], seen: Seen) -> Iterator[str]:
    for kind in get_args(Kind):
        yield f"\n### {_HEADINGS[kind]}\n\n"
        runs_in_both = kind in ("containers", "outputs")
        yield "| case | what it tries | expected | seen on runc | seen on runsc |\n|---|---|---|---|---|\n"
        for case in cases:
            if case.kind == kind:
                name, title, expected = row_of(case)
                left_out = case.expected["runsc"].left_out if runs_in_both else ""
                runsc = f"– ({left_out})" if left_out else seen.get((case.id, "runsc"), "–")
                yield f"| `{name}` | {title} | {expected} | {seen.get((case.id, 'runc'), '–')} | {runsc} |\n"
    yield "\n"


def _rows(text: str) -> Iterator[tuple[str, str, str, str, str]]:
    inside = text.partition(BEGIN)[2].partition(END)[0]
    for line in inside.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 5 and cells[0].startswith("`"):
            yield cells[0].strip("`"), cells[1], cells[2], cells[3], cells[4]
