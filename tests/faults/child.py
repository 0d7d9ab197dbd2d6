"""The cases on one set of services, at random until a given time: started by `python -m tests.faults`."""

from __future__ import annotations

import contextlib
import json
import random
import sys
import time
import traceback
from pathlib import Path

import django

django.setup()

from django.core.management import call_command  # noqa: E402 (Django must be set up first)

from tests.faults import servers  # noqa: E402
from tests.faults import world as worlds  # noqa: E402
from tests.faults.cases import CASES, applies  # noqa: E402
from tests.faults.engine import own_engine  # noqa: E402


def main(until: float, seed: int) -> None:
    """Prints one JSON object a case. Each comes once before any comes again."""
    call_command("migrate", verbosity=0)
    order = random.Random(seed)
    waiting: list[str] = []
    with own_engine() as engine:
        try:
            while time.time() < until:
                waiting = waiting or order.sample(sorted(filter(applies, CASES)), len(list(filter(applies, CASES))))
                _report(waiting.pop(), engine)
        finally:
            servers.stop_all()


def _report(name: str, engine: worlds.Engine) -> None:
    started, error = time.monotonic(), ""
    try:
        with contextlib.redirect_stdout(sys.stderr), worlds.world(engine) as world:
            CASES[name](world)
    except Exception as broken:
        where = traceback.extract_tb(broken.__traceback__)[-1]
        said = str(broken) or where.line  # An assertion without words: what it asserts.
        error = " ".join(f"{type(broken).__name__}: {said} ({Path(where.filename).name}:{where.lineno})".split())[:300]
    seconds = f"{time.monotonic() - started:.1f}"
    print(json.dumps({"case": name, "seconds": seconds, "error": error}), flush=True)


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))
