"""Runs the corpus against this machine's engine (or DOCKER_HOST's), prints what was seen, and writes it down.

    python -m tests.hostile [-k WORDS] [other options of pytest]

Exit status 0 if everything was as expected. The table of docs/security.md gets what was seen; the rest of it stays.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.hostile.cases import ALL, Runtime, load_cases
from tests.hostile.table import DOCUMENT, Seen, document_with, lines_for_terminal


class Witness:
    """A plugin of pytest that takes down what the tests say they have seen."""

    def __init__(self) -> None:
        self.seen: Seen = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called for each part of each test."""
        said = dict(report.user_properties)
        if report.when == "call" and "case" in said:
            case, runtime = str(said["case"]), str(said["runtime"])
            verdict = str(said.get("seen", "nothing"))
            # A verdict as expected is not enough: something may have been left behind.
            self.seen[case, _runtime(runtime)] = verdict if report.passed else f"{verdict}, and not all as expected"


def _runtime(name: str) -> Runtime:
    return "runsc" if name == "runsc" else "runc"


def main(options: list[str]) -> int:
    """Status of pytest: 0 if everything was as expected."""
    os.environ[ALL] = "1"
    witness = Witness()
    tests = Path(__file__).parent / "test_corpus.py"
    status = pytest.main([str(tests), "-q", *options], plugins=[witness])
    cases = load_cases()
    print("\n".join(lines_for_terminal(cases, witness.seen)))
    DOCUMENT.write_text(document_with(DOCUMENT.read_text(), cases, witness.seen))
    return int(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
