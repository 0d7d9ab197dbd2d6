"""How fast the platform's own work is: `make bench`, or `python -m tests.bench`.

Each row is a ratio or a difference within one run, so that the machine cancels out, and has a target. Best of several
rounds, taken in turn: other programs on the machine make single rounds slower, never faster.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tests.bench.admission import admission_rows
from tests.bench.board import board_rows
from tests.bench.queue import queue_rows
from tests.bench.rows import ROUNDS
from tests.bench.runs import run_rows
from tests.bench.scoring import PAIRS, data, scoring_rows
from tests.bench.site import site_rows
from tests.bench.uploads import upload_rows

PARTS = ("scoring", "runs", "admission", "uploads", "queue", "board", "site")


def main() -> int:
    """Exit status: 0 if every target is met, 1 if not, 2 where it could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("part", nargs="*", choices=[*PARTS, []], help="default: all; all but scoring need an engine")
    parts = parser.parse_args().part or PARTS
    rows = []
    with tempfile.TemporaryDirectory(prefix="parakh-bench-") as scratch:
        if "scoring" in parts:
            root, what = data(Path(scratch))
            print(f"{PAIRS} pairs of {what}; best of {ROUNDS} rounds in turn; load {os.getloadavg()[0]:.1f}")
            rows += scoring_rows(root, Path(scratch))
        if "runs" in parts:
            rows += run_rows()
        if "admission" in parts:
            rows += admission_rows(Path(scratch))
        if "uploads" in parts:
            rows += upload_rows(Path(scratch))
        if "queue" in parts:
            rows += queue_rows(Path(scratch))
        if "board" in parts:
            rows += board_rows(Path(scratch))
        if "site" in parts:
            rows += site_rows(Path(scratch))
    width = max(len(row.what) for row in rows)
    print(f"\n{'':{width}}  {'measured':>34}  {'value':>8}  target")
    for row in rows:
        verdict = "" if row.met else "  MISSED"
        print(f"{row.what:{width}}  {row.measured:>34}  {row.value:8.2f}  {row.target}{verdict}")
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
