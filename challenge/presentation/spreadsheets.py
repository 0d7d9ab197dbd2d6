"""Tables as CSV and JSON, a row at a time, for people's spreadsheets and programs. Pure."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
"""With one of these a spreadsheet takes a text for something to run."""


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def safe(value: Any) -> Any:
    """A value as a cell of CSV: texts that a spreadsheet would run get an apostrophe before them, which it hides."""
    if isinstance(value, str) and value.lstrip(" \ufeff").startswith(FORMULA_STARTS):
        return f"'{value}"
    return "" if value is None else value


def csv_lines(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The table as CSV (RFC 4180), with a line of headings."""
    writer = csv.writer(_Echo())
    yield writer.writerow(columns)
    for row in rows:
        yield writer.writerow([safe(row[column]) for column in columns])


def json_lines(about: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """One JSON object: `about`, and the table as `rows`, each on a line of its own."""
    opening = json.dumps(dict(about))[:-1]
    yield f'{opening}{", " if about else ""}"rows": [\n'
    for number, line in enumerate(chain(map(json.dumps, rows))):
        yield f"{',' if number else ''}{line}\n"
    yield "]}\n"
