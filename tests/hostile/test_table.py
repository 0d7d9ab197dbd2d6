"""The table in docs/security.md lists the cases there are, with what they expect."""

from __future__ import annotations

import pytest

from tests.hostile.cases import load_cases
from tests.hostile.table import BEGIN, DOCUMENT, END, document_with, expected_in, row_of, seen_in


def test_the_committed_table_lists_exactly_the_cases_there_are() -> None:
    assert expected_in(DOCUMENT.read_text()) == [row_of(case) for case in load_cases()], "run `make hostile`"


def test_every_case_was_seen_as_expected() -> None:
    seen = seen_in(DOCUMENT.read_text())
    for case in load_cases():
        for runtime, expected in case.expected.items():
            if not expected.left_out:
                assert seen.get((case.id, runtime)) == expected.expect, f"{case.id} on {runtime}: run `make hostile`"


def test_there_are_enough_of_each_kind() -> None:
    kinds = [case.kind for case in load_cases()]
    assert len(kinds) >= 75
    assert min(map(kinds.count, set(kinds))) >= 10


def test_what_was_not_run_keeps_what_was_seen() -> None:
    cases = load_cases()[:3]
    first = document_with(f"# Title\n{BEGIN}\n{END}\nafter\n", cases, {(cases[0].id, "runc"): "OK"})
    again = document_with(first, cases, {(cases[1].id, "runsc"): "KILLED"})
    assert seen_in(again)[cases[0].id, "runc"] == "OK"
    assert seen_in(again)[cases[1].id, "runsc"] == "KILLED"
    assert again.startswith("# Title\n")
    assert again.endswith("\nafter\n")
    assert document_with(again, cases, {}) == again


def test_a_document_without_a_place_for_it_is_an_error() -> None:
    with pytest.raises(ValueError, match="no place for the table"):
        document_with("# Title", [], {})
