"""What the whole platform adds to a submission's own time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.bench.rows import Row

ROOT = Path(__file__).resolve().parents[2]

OVERHEADS = """
from challenge.models import Attempt
for attempt in Attempt.objects.filter(verdict="OK"):
    wall = (attempt.done_at - attempt.claimed_at).total_seconds()
    theirs = attempt.measurements["start_seconds"] + attempt.measurements["answering_seconds"]
    print("OVERHEAD", wall - theirs, wall)
"""


def site_rows(scratch: Path) -> list[Row]:
    """What the whole platform adds, on a real site with a real worker: (published - claimed) - (start to ready) -
    (first request byte to last response byte), the worst of the bundled baselines."""
    site = os.environ | {"PARAKH_VAR": str(scratch / "var")}
    for command in (["demo", "--no-serve"], ["shell", "--no-imports", "-c", OVERHEADS]):
        done = subprocess.run(
            [sys.executable, "manage.py", *command], cwd=ROOT, env=site, check=False, capture_output=True, text=True
        )
        if done.returncode != 0:
            sys.exit(f"manage.py {command[0]} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    found = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("OVERHEAD")]
    overhead, wall = max((float(over), float(wall)) for over, wall in found)
    what = f"{wall:.2f} s wall, worst of {len(found)}"
    return [Row("overhead of an evaluation, in seconds", what, overhead, "at most 2 s", overhead <= 2)]
