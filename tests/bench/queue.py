"""The queue: what a claim costs however many wait, and what a second host brings."""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tests.bench.rows import Row

HERE = Path(__file__).resolve().parents[2]

CLAIMERS = 20
CLAIMS_EACH = 6
ROUNDS = 3
PAUSE_SECONDS = 0.5
"""Between the claims of one claimer: so that claims are measured and not how 20 threads wait for one interpreter."""

FEW, MANY = 1_000, 100_000


def queue_rows(scratch: Path) -> list[Row]:
    """Claims on PostgreSQL; runs on SQLite, real workers and an engine of their own."""
    from tests import services

    found = []
    for count, elsewhere in ((FEW, 0), (MANY, 0), (FEW, MANY)):
        folder, counts = scratch / f"{count}-{elsewhere}", {"WAITING": str(count), "ELSEWHERE": str(elsewhere)}
        with services.postgresql() as database:
            found.append(_child("claims", folder, DATABASE_URL=database, **counts))
    few, many, behind = found
    ratio, ratio_behind = many["p95"] / few["p95"], behind["p95"] / few["p95"]
    shared = _child("throughput", scratch / "shared")
    gain = shared["two"] / shared["one"]
    return [
        Row(
            f"claim, p95 of {CLAIMERS} claimers: {MANY:,} waiting / {FEW:,}",
            f"{1000 * many['p95']:.1f} / {1000 * few['p95']:.1f} ms", ratio, "at most 2 x", ratio <= 2,
        ),
        Row(
            f"the same, behind {MANY:,} for other hosts / alone",
            f"{1000 * behind['p95']:.1f} / {1000 * few['p95']:.1f} ms", ratio_behind, "at most 2 x", ratio_behind <= 2,
        ),
        Row(
            "runs a minute: two hosts / one",
            f"{60 * shared['two']:.1f} / {60 * shared['one']:.1f}", gain, "at least 1.6 x", gain >= 1.6,
        ),
        Row(
            "200 runs on two hosts: lead of a team over another",
            f"each once; {shared['hosts']}", shared["lead"], "at most 2", shared["lead"] <= 2,
        ),
    ]  # fmt: skip


def _child(what: str, folder: Path, **environment: str) -> dict[str, float]:
    """What a process with Django of its own measured."""
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.queue", what],
        cwd=HERE,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "challenge.settings", "PARAKH_VAR": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def claims(waiting: int, elsewhere: int) -> dict[str, float]:
    """Seconds of a claim, 95 % below, with so many waiting; the claimers work at the same time.

    Args:
        elsewhere: so many more wait before them, for hosts of another queue.
    """
    from django.db import connection

    from challenge import hosts
    from challenge.models import State, Submission
    from tests import factories

    phase = factories.PhaseFactory()
    other = factories.PhaseFactory(challenge=phase.challenge, queue="other")
    teams = [factories.team(phase.challenge) for _ in range(50)]
    creator = teams[0].memberships.get().user
    rows = (
        Submission(
            phase=other if number < elsewhere else phase, team=teams[number % 50], creator=creator, kind="code",
            title="x", state=State.QUEUED, turn=number // 50, queued_at=phase.opens,
        )
        for number in range(elsewhere + waiting)
    )  # fmt: skip
    Submission.objects.bulk_create(rows, batch_size=5000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    for number in range(4):
        hosts.register(f"host-{number}", factories.offer(cores=64, memory_bytes=2**40))
    return {"p95": min(_round(factories) for _ in range(ROUNDS))}


def _round(factories: Any) -> float:
    """Seconds of a claim, 95 % below, of one round of all claimers."""
    from django.db import connection

    from challenge import submissions

    took: list[float] = []

    def claimer(number: int) -> None:
        for _ in range(CLAIMS_EACH):
            time.sleep(PAUSE_SECONDS * random.uniform(0.5, 1.5))
            began = time.perf_counter()
            attempt = submissions.claim(f"w{number}", 60, f"host-{number % 4}")
            took.append(time.perf_counter() - began)
            assert attempt is not None
            submissions.publish(attempt, factories.report(factories.Code.TIME_LIMIT))
        connection.close()

    threads = [threading.Thread(target=claimer, args=(number,)) for number in range(CLAIMERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(took) == CLAIMERS * CLAIMS_EACH, "each claimer got its own"
    return statistics.quantiles(took, n=20)[-1]


def throughput() -> dict[str, object]:
    """Runs a second with one host and with two, of a model that waits and does not compute."""
    from tests.faults.engine import own_engine
    from tests.faults.sharing import share
    from tests.faults.world import world

    with own_engine() as engine:
        with world(engine) as one:
            alone = share(one, hosts=1, teams=5, each=4, seconds=0.4)
        with world(engine) as two:
            both = share(two, hosts=2, teams=10, each=20, seconds=0.4)
    split = " + ".join(str(count) for count in both.hosts.values())
    return {"one": alone.per_second, "two": both.per_second, "lead": both.lead, "hosts": split}


def main() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    found = (
        claims(int(os.environ["WAITING"]), int(os.environ["ELSEWHERE"])) if sys.argv[1] == "claims" else throughput()
    )
    print(json.dumps(found))


if __name__ == "__main__":
    main()
