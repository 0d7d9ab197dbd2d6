"""The command-line options that make up `Limits`; shared by `python -m sandbox` and `python -m evaluator`."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from sandbox.limits import PROFILES, Limits
from sandbox.units import parse_size


def add_limit_options(parser: argparse.ArgumentParser) -> None:
    """Adds --profile and the options that override parts of it."""
    group = parser.add_argument_group("limits", "a named profile, and what should differ from it")
    group.add_argument("--profile", choices=sorted(PROFILES), default="raspberry-pi-3b", help="default: %(default)s")
    group.add_argument(
        "--limits",
        metavar="FILE",
        type=_limits_file,
        help="all limits of a phase, as limits.json of its starter kit has them; instead of a profile",
    )
    group.add_argument("--memory", metavar="SIZE", type=size_option, help="e.g. 1g or 512m")
    group.add_argument("--cpus", metavar="N", type=float, help="CPU quota; cores are the next whole number")
    group.add_argument("--pids", metavar="N", type=int, help="processes and threads")
    group.add_argument("--time", metavar="SECONDS", type=float, help="total wall-clock time")
    group.add_argument("--start-time", metavar="SECONDS", type=float, help="until the ready message")
    group.add_argument("--image-time", metavar="SECONDS", type=float, help="for each answer")
    group.add_argument("--cpu-time", metavar="SECONDS", type=float, help="CPU time in total")


def limits_from(options: argparse.Namespace) -> Limits:
    """The limits those options ask for, on this machine.

    Raises:
        ValueError: they contradict each other or a bound.
    """
    changes: dict[str, float | int] = {
        name: value
        for name, value in {
            "memory_bytes": options.memory,
            "pids": options.pids,
            "total_seconds": options.time,
            "start_seconds": options.start_time,
            "image_seconds": options.image_time,
            "cpu_seconds": options.cpu_time,
        }.items()
        if value is not None
    }
    if options.cpus is not None:
        changes |= {"cpus": max(1, -int(-options.cpus // 1)), "cpu_quota": options.cpus, "threads": 0}
    base: Limits = options.limits or PROFILES[options.profile].on(os.cpu_count() or 1)
    return base.replace(**changes)


def _limits_file(name: str) -> Limits:
    """The limits that a file holds, for argparse."""
    try:
        return Limits.from_dict(json.loads(Path(name).read_text(encoding="utf-8")))
    except (OSError, TypeError, AttributeError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"{name} holds no limits: {error}") from error


def size_option(text: str) -> int:
    """A size, for argparse."""
    try:
        return parse_size(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error  # of a ValueError, argparse would drop the words
