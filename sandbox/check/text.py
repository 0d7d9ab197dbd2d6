"""A check as a table for a terminal: every finding with a mark, then what to do."""

from __future__ import annotations

import json

from rich import box
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from sandbox.check import HostCheck, check_host
from sandbox.check.facts import Finding, Level

_STYLES: dict[Level, str] = {"ok": "green", "warn": "yellow", "unsafe": "bold red"}


def report(slots: int, cpus: int, cpuset: str | None, as_json: bool) -> int:
    """Checks this host and prints what was found: the command `python -m sandbox check`.

    Returns:
        0 for a safe host, 1 for one that is not.

    Raises:
        SandboxUnavailable, ValueError: see `check_host`.
    """
    host = check_host(slots, cpus, cpuset)
    if as_json:
        print(json.dumps(host.as_dict(), indent=2))
    else:
        print_check(host, Console())
    return 0 if host.safe else 1


def print_check(host: HostCheck, console: Console) -> None:
    """Prints the table and the sentence that sums it up."""
    # A pipe has no width; a table of 80 columns would break every sentence there.
    console.print(_table(host), width=None if console.is_terminal else 140)
    console.print(Text(f"\n{summary(host)}"), soft_wrap=True)


def summary(host: HostCheck) -> str:
    """One or two sentences, such as “This host is safe to use, with 2 warnings.”"""
    count, warned = len(host.unsafe), len(host.warnings)
    if count:
        first = f"This host is not safe: {count} thing{'s' if count > 1 else ''} must be changed first."
    elif warned:
        first = f"This host is safe to use, with {warned} warning{'s' if warned > 1 else ''}."
    else:
        first = "This host is safe to use."
    return first + ("" if host.latency_rankable else " Latencies measured on it are not to be ranked.")


def plain(finding: Finding) -> str:
    """One finding as text for a log: what was seen, then what to do."""
    return f"{finding.title}: {finding.seen}." + (f" {finding.remedy}" if finding.remedy else "")


def _table(host: HostCheck) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    table.add_column("what", no_wrap=True)
    table.add_column("seen, and what to do", overflow="fold")
    for finding in host.findings:
        # The engine's words are no markup, whatever brackets they have.
        seen: Group | Text = Text(finding.seen)
        if finding.remedy:
            seen = Group(seen, Text(f"→ {finding.remedy}"))
        table.add_row(Text(finding.level, style=_STYLES[finding.level]), finding.title, seen)
    return table
