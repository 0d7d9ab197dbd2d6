"""Draw trainings' mIoU on the validation split against their training time: the thesis' Figure 3.9.

python -m baselines.curves runs/erfnet-modern runs/unet-modern --out curves.svg
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from itertools import accumulate
from pathlib import Path
from typing import Any

from evaluator.svg import lines

Log = list[dict[str, Any]]


def points(log: Log) -> list[tuple[float, float]]:
    """(minutes trained, mIoU in percent) at each epoch that was scored."""
    minutes = accumulate(entry["seconds"] / 60 for entry in log)
    return [
        (round(time, 3), round(100 * entry["miou"], 2))
        for time, entry in zip(minutes, log, strict=True)
        if entry.get("miou") is not None
    ]


def draw(named: Iterable[tuple[str, Log]]) -> str:
    """SVG text; runs that were never scored (no IDD-lite) are left out."""
    series = [(name, found) for name, log in named if (found := points(log))]
    return lines("mIoU on IDD-lite val against training time", series, "minutes of training", "mIoU, %")


def write(named: Iterable[tuple[str, Log]], out: Path) -> None:
    out.write_text(draw(named), encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m baselines.curves", description="Training curves as SVG.")
    parser.add_argument("runs", nargs="+", type=Path, help="folders with a log.json")
    parser.add_argument("--out", type=Path, default=Path("curves.svg"))
    options = parser.parse_args(arguments)
    try:
        logs = [(run.name, json.loads((run / "log.json").read_text(encoding="utf-8"))) for run in options.runs]
    except OSError as error:
        print(f"error: {error}: is this a run of python -m baselines.train?", file=sys.stderr)
        return 1
    write(logs, options.out)
    print(options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
