"""Prints a leaderboard: `python manage.py board CHALLENGE [PHASE] [--standing final] [--page 2]`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.table import Table

from challenge import leaderboard
from challenge.models import Challenge, Phase, Standing
from evaluator.metrics import CLASS_NAMES


class Command(BaseCommand):
    """The same rows as on the site."""

    help = "Prints the leaderboard of a challenge's phase."

    def add_arguments(self, parser: CommandParser) -> None:
        """CHALLENGE [PHASE] [--standing S] [--page N]"""
        parser.add_argument("challenge", help="Short name of the challenge, as in its address.")
        parser.add_argument("phase", nargs="?", help="Short name of the phase (default: the first).")
        parser.add_argument("--page", type=int, default=1)
        parser.add_argument(
            "--standing", choices=Standing.values, default=Standing.BEST, help="Which of each team's submissions."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError, naming what there is, for an unknown challenge or phase."""
        phase = _phase(options["challenge"], options["phase"])
        page = leaderboard.page(phase, Standing(options["standing"]), number=options["page"])
        # A pipe has no width: as wide as the table needs, then.
        console = Console(file=cast(IO[str], self.stdout), width=None if self.stdout.isatty() else 200)
        console.print(_table(phase, page))
        if any(row.is_tied_with_above for row in page):
            console.print("~ the images can't tell it from the one above")
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
    table.add_column("95 %", justify="right")
    for name in CLASS_NAMES:
        table.add_column(name, justify="right")
    for heading in ("median ms", "CPU s", "memory MiB"):
        table.add_column(heading, justify="right")
    for row in page:
        table.add_row(*_cells(row))
    return table


def _cells(row: leaderboard.Row) -> Iterator[str]:
    yield f"{row.rank} ~" if row.is_tied_with_above else str(row.rank)
    yield f"{row.team} (baseline)" if row.is_baseline else str(row.team)
    yield row.submission.title
    yield _figure(row.miou, 100, 2)
    yield f"{_figure(row.miou_low, 100, 1)} to {_figure(row.miou_high, 100, 1)}" if row.miou_low is not None else "-"
    for value in row.class_ious:
        yield _figure(value, 100, 1)
    yield _figure(row.latency, 1000, 1)
    yield _figure(row.cpu_seconds, 1, 1)
    yield _figure(row.memory, 1 / 1024**2, 0)


def _figure(value: float | None, factor: float, digits: int) -> str:
    return "-" if value is None else f"{value * factor:.{digits}f}"
