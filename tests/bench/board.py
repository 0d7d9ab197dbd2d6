"""The board: what a page costs with a thousand times more teams. On PostgreSQL, through the whole site."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.bench.rows import Row

HERE = Path(__file__).resolve().parents[2]

FEW, MANY = 100, 100_000
EACH = 10
"""Submissions of a team."""

IMAGES = 20
"""Of each score that is compared with another. The work for a tie grows with them, and not with the number of teams."""

RENDERS = 41

MEMBERS = "the board, for a team in its middle"

PAGES: dict[str, tuple[str, int, int]] = {
    "the board": ("", 1, 1),
    MEMBERS: ("", 1, 1),
    "its Pareto chart": ("chart/", 1, 1),
    "by latency": ("?sort=latency", 1, 1),
    "by the IoU of a class": ("?sort=sky&classes=1", 1, 1),
    "without baselines": ("?baselines=no", 1, 1),
    "its last page": ("", 2, 2_000),
}
"""What is measured: behind the board's address, and the page with few and with many teams."""

FIXED = """
INSERT INTO auth_user (id, username, password, email, first_name, last_name, is_superuser, is_staff, is_active,
                       date_joined)
VALUES (1, 'someone', '!', '', '', '', false, false, true, now());
"""

# Each team has a skill of its own and its submissions are about as good; every hundredth is a baseline.
FILL = """
SELECT setseed(0.5);
INSERT INTO challenge_team (id, challenge_id, name, slug, is_baseline, disqualified_why, created)
SELECT %(first)s + n, %(challenge)s, 'Team number ' || n, 'team-' || n, n %% 100 = 0, '', now()
FROM generate_series(1, %(teams)s) AS n;

CREATE TEMPORARY TABLE drawn AS
SELECT %(first)s * %(each)s + n AS id, md5(%(first)s || '-' || n)::uuid AS submission,
       %(first)s + 1 + n %% %(teams)s AS team, now() - n * interval '1 second' AS sent,
       least(0.95, greatest(0.05, 0.35 + 0.3 * random() * random() + 0.25 * sin((n %% %(teams)s) * 7.3))) AS miou,
       0.005 + 0.2 * random() AS latency
FROM generate_series(1, %(teams)s * %(each)s) AS n;

INSERT INTO challenge_submission (id, phase_id, team_id, creator_id, kind, base, title, file, file_name, file_bytes,
    file_sha256, method, link, parameters, is_chosen, disqualified_why, state, created, queued_at, finished_at,
    cancel_requested, charged, score_id, turn, note, fence, attempt_count, platform_faults, workers_lost)
SELECT submission, %(phase)s, team, 1, 'code', 'pytorch', 'ERFNet, number ' || id, 'x', 'x.zip', 1000, '', '', '',
       100000 + id, false, '', 'finished', sent, sent, sent, false, true, id, 0, '', 1, 1, 0, 0
FROM drawn;

INSERT INTO challenge_attempt (id, submission_id, number, fence, state, worker, limits_data, contract, seed,
    images_done, images_total, claimed_at, done_at, verdict, sentence, advice, flags, measurements, host, predictions,
    log, fault)
SELECT id, submission, 1, 1, 'done', 'w', %(limits)s, 'stream', 1, 204, 204, sent, sent, 'OK', '', '', '[]',
       '{"image_bytes": 1000000}', '{}', '', '', ''
FROM drawn;

INSERT INTO challenge_score (id, attempt_id, miou, miou_low, miou_high, pixel_accuracy, mean_pixel_accuracy, iou,
    confusion, latency_median_seconds, latency_p90_seconds, cpu_seconds, memory_peak_bytes, per_image, created)
SELECT id, id, miou, miou - 0.01, miou + 0.01, miou, miou,
       jsonb_build_object('drivable', miou, 'non-drivable', miou * 0.9, 'living-things', miou * 0.8, 'vehicles', miou,
                          'road-side-objs', miou * 0.9, 'far-objects', miou, 'sky', miou),
       '[]', latency, latency * 1.2, 5 + 10 * random(), 100000000 + (1e8 * random())::bigint,
       decode(%(per_image)s, 'hex'), sent
FROM drawn;
DROP TABLE drawn;
"""


def board_rows(scratch: Path) -> list[Row]:
    """Medians of rendering, with MANY teams over those with FEW, in turn."""
    from tests import services

    with services.postgresql() as database:
        folder = scratch / "board"
        folder.mkdir()
        environment = {"DJANGO_SETTINGS_MODULE": "challenge.settings", "PARAKH_VAR": str(folder)}
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.board"],
            cwd=HERE,
            env={**os.environ, **environment, "DATABASE_URL": database},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, list[float]] = json.loads(done.stdout.splitlines()[-1])
    rebuilt = found.pop("rebuilt")[0]
    print(f"{MANY:,} teams with {MANY * EACH:,} submissions: boards rebuilt in {rebuilt:.0f} s")
    return [
        Row(
            f"{what}: {MANY:,} teams / {FEW}", f"{1000 * many:.1f} / {1000 * few:.1f} ms, median", many / few,
            "at most 2 x", many <= 2 * few,
        )
        for what, (few, many) in found.items()
    ]  # fmt: skip


def _fill(teams: int) -> Any:
    """A phase with so many teams; their rows are written by the site's own code."""
    from django.db import connection, transaction

    from challenge.models import Team
    from evaluator import intervals
    from tests import factories
    from tests.matrices import matrices

    phase = factories.PhaseFactory(slug=f"of-{teams}")
    first = Team.objects.count() + 1_000
    values = {
        "teams": teams, "each": EACH, "first": first, "challenge": phase.challenge_id, "phase": phase.pk,
        "limits": json.dumps(phase.limits_data),
        "per_image": intervals.pack(intervals.counts(matrices(*[0.3, 0.7] * (IMAGES // 2)))).hex(),
    }  # fmt: skip
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(FILL, values)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return phase


def main() -> None:
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client
    from django.urls import reverse

    from challenge import ranking
    from challenge.models import BoardRow

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute(FIXED)
    phases = {teams: _fill(teams) for teams in (FEW, MANY)}
    began = time.perf_counter()
    for phase in phases.values():
        ranking.rebuild(phase)
    found: dict[str, list[float]] = {"rebuilt": [time.perf_counter() - began]}
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    for teams, phase in phases.items():
        middle = BoardRow.objects.filter(phase=phase, standing="best").order_by("-miou")[teams // 2]
        middle.team.memberships.create(challenge=phase.challenge, user=User.objects.get())
    client = Client(SERVER_NAME="localhost")
    for what, (behind, few, many) in PAGES.items():
        addresses = []
        for teams, number in ((FEW, few), (MANY, many)):
            base = reverse("leaderboard", args=[phases[teams].challenge.slug, phases[teams].slug])
            addresses.append(f"{base}{behind}" + (f"?page={number}" if number > 1 else ""))
        if what == MEMBERS:
            client.force_login(User.objects.get())
        found[what] = _medians(client, addresses)
        client.logout()
    print(json.dumps(found))


def _medians(client: Any, addresses: list[str]) -> list[float]:
    """Seconds of each, rendered in turn; the first time is not counted."""
    took: list[list[float]] = [[] for _ in addresses]
    for _ in range(RENDERS):
        for times, address in zip(took, addresses, strict=True):
            began = time.perf_counter()
            response = client.get(address)
            times.append(time.perf_counter() - began)
            assert response.status_code == 200, response.status_code
            assert b"Team number" in response.content
    return [statistics.median(times[1:]) for times in took]


if __name__ == "__main__":
    main()
