"""Prints a leaderboard: `python manage.py board CHALLENGE [PHASE] [--page 2]`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.table import Table

from challenge import leaderboard
from challenge.models import Challenge, Phase
from evaluator.metrics import CLASS_NAMES


class Command(BaseCommand):
    """The same rows as on the site."""

    help = "Prints the leaderboard of a challenge's phase."

    def add_arguments(self, parser: CommandParser) -> None:
        """CHALLENGE [PHASE] [--page N]"""
        parser.add_argument("challenge", help="Short name of the challenge, as in its address.")
        parser.add_argument("phase", nargs="?", help="Short name of the phase (default: the first).")
        parser.add_argument("--page", type=int, default=1)

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError, naming what there is, for an unknown challenge or phase."""
        phase = _phase(options["challenge"], options["phase"])
        page = leaderboard.page(phase, number=options["page"])
        # A pipe has no width: as wide as the table needs, then.
        console = Console(file=cast(IO[str], self.stdout), width=None if self.stdout.isatty() else 180)
        console.print(_table(phase, page))
        if not page.rows:
            console.print("Nothing has been scored in this phase yet.")


def _phase(slug: str, phase_slug: str | None) -> Phase:
    challenge = Challenge.objects.filter(slug=slug).first()
    if challenge is None:
        known = ", ".join(Challenge.objects.values_list("slug", flat=True)) or "none"
        raise CommandError(f"There is no challenge {slug!r}. Known: {known}.")
    phases = challenge.phases.select_related("challenge")
    phase = phases.filter(slug=phase_slug).first() if phase_slug else phases.first()
    if phase is None:
        known = ", ".join(phases.values_list("slug", flat=True)) or "none"
        raise CommandError(f"{challenge} has no such phase. Its phases: {known}.")
    return phase


def _table(phase: Phase, page: leaderboard.Page) -> Table:
    table = Table(title=f"{phase} (page {page.number} of {page.pages})", title_justify="left")
    table.add_column("#", justify="right")
    table.add_column("team")
    table.add_column("submission")
    table.add_column("mIoU %", justify="right", style="bold")
    for name in CLASS_NAMES:
        table.add_column(name, justify="right")
    for heading in ("median ms", "CPU s", "memory MiB"):
        table.add_column(heading, justify="right")
    for row in page:
        table.add_row(*_cells(row))
    return table


def _cells(row: leaderboard.Row) -> Iterator[str]:
    yield str(row.rank)
    yield f"{row.team} (baseline)" if row.is_baseline else str(row.team)
    yield row.submission.title
    yield _figure(row.score.miou, 100, 2)
    for name in CLASS_NAMES:
        yield _figure(row.score.iou.get(name), 100, 1)
    yield _figure(row.score.latency_median_seconds, 1000, 1)
    yield _figure(row.score.cpu_seconds, 1, 1)
    yield _figure(row.score.memory_peak_bytes, 1 / 1024**2, 0)


def _figure(value: float | None, factor: float, digits: int) -> str:
    return "-" if value is None else f"{value * factor:.{digits}f}"
