"""Kills things at random for a given time, on each set of services in turn, and prints what came of it.

`make faults MINUTES=10`, or `python -m tests.faults --minutes 10 --seed 1`. Exit status: 0 with nothing lost, nothing
stuck and nothing double, 1 otherwise.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.sets import SETS, services_of

HERE = Path(__file__).resolve().parents[2]


def main() -> int:
    """Runs one child a set of services: Django knows one database in its life."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="of the order of the cases")
    parser.add_argument("--set", choices=SETS, action="append", help="default: all")
    given = parser.parse_args()
    sets = given.set or list(SETS)
    print(f"{given.minutes:g} minutes on {', '.join(sets)}; seed {given.seed}", flush=True)
    rows = []
    for name in sets:
        rows += _run(name, 60 * given.minutes / len(sets), given.seed)
    _print(rows)
    return 0 if rows and all(not row["error"] for row in rows) else 1


def _run(name: str, seconds: float, seed: int) -> list[dict[str, str]]:
    rows = []
    with tempfile.TemporaryDirectory(prefix="parakh-faults-") as folder, services_of(name, Path(folder)) as environment:
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.child", str(time.time() + seconds), str(seed)],
            cwd=HERE,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "challenge.settings", "PARAKH_VAR": folder, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert child.stdout is not None
        for line in child.stdout:
            if line.startswith("{"):
                rows.append({"set": name, **json.loads(line)})
                last = rows[-1]
                print(f"{name:24} {last['case']:32} {last['seconds']:>6} s  {last['error'] or 'well'}", flush=True)
        if child.wait():
            rows.append({"set": name, "case": "(the cases themselves)", "seconds": "0", "error": "the child failed"})
    return rows


def _print(rows: list[dict[str, str]]) -> None:
    """The table: a line a case and set, and the sums."""
    runs = collections.Counter((row["set"], row["case"]) for row in rows)
    print(f"\n{'services':24} {'what died':32} {'times':>5} {'lost':>5} {'stuck':>5} {'double':>6} {'other':>5}")
    for (name, case), times in sorted(runs.items()):
        errors = [row["error"] for row in rows if (row["set"], row["case"]) == (name, case) and row["error"]]
        kinds = collections.Counter(map(kind, errors))
        print(f"{name:24} {case:32} {times:5} {_counts(kinds)}")
    every = collections.Counter(kind(row["error"]) for row in rows if row["error"])
    print(f"{'all':24} {'':32} {len(rows):5} {_counts(every)}")


def _counts(kinds: collections.Counter[str]) -> str:
    return f"{kinds['lost']:5} {kinds['stuck']:5} {kinds['double']:6} {kinds['other']:5}"


def kind(error: str) -> str:
    """lost, stuck, double or other, of a broken promise."""
    if "not within" in error and "is finished" in error:
        return "stuck"
    if "one final verdict" in error or "once" in error or "too many values" in error:
        return "double"
    return "lost" if "not enough values" in error or "undisturbed" in error else "other"


if __name__ == "__main__":
    sys.exit(main())
