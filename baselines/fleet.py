"""Train several networks side by side on one machine, for a limited time: made for a GPU that is lent for minutes.

    python -m baselines.fleet --idd-lite DIR --minutes 9 --out OUT erfnet erfnet_compressed:modern dws:modern:2

Each training is NAME[:RECIPE[:SEED]], a process of `python -m baselines.train` of its own, always with --resume: run
the same command again to go on. Small networks don't fill a large GPU, so several of them take little longer than one.
When all have ended or the time is over, what came of them is packed into OUT (see baselines.travel).
Exit status 0 if all are finished, 3 if some are not, 1 if one failed.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from baselines import travel
from baselines.config import ConfigError, load
from baselines.gather import draw
from baselines.run import CHECKPOINT, directory
from baselines.train import UNFINISHED

CONFIGS = Path(__file__).parent / "configs"


@dataclass(frozen=True)
class Training:
    name: str
    recipe: str | None = None
    seed: int | None = None

    @classmethod
    def parse(cls, text: str) -> Training:
        """Raises ConfigError for what is no NAME[:RECIPE[:SEED]]."""
        name, recipe, seed, *rest = [*text.split(":"), "", ""][: max(3, text.count(":") + 1)]
        if rest or not (seed or "1").isdigit() or not (CONFIGS / f"{name}.toml").exists():
            known = ", ".join(sorted(path.stem for path in CONFIGS.glob("*.toml")))
            raise ConfigError(f"{text!r} is no training: write NAME[:RECIPE[:SEED]], NAME one of {known}")
        return cls(name, recipe or None, int(seed) if seed else None)

    def config_file(self) -> Path:
        return CONFIGS / f"{self.name}.toml"

    def options(self) -> list[str]:
        return [
            *(["--recipe", self.recipe] if self.recipe else []),
            *(["--seed", str(self.seed)] if self.seed else []),
        ]


def start(training: Training, more: list[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "baselines.train", str(training.config_file()), *training.options(), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def relay(lines: IO[str], label: str, quiet: bool) -> None:
    """Pass on what a training says, with its name before it; where it is quiet, only scored epochs."""
    for line in lines:
        if not quiet or "mIoU" in line or not line.lstrip().startswith("epoch"):
            print(f"[{label}] {line.rstrip()}", flush=True)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m baselines.fleet", description="Several trainings side by side.")
    parser.add_argument("trainings", nargs="+", metavar="NAME[:RECIPE[:SEED]]")
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--out", type=Path, help="where to pack the outcomes")
    parser.add_argument("--idd-lite", type=Path, default=os.environ.get("IDD_LITE") or None, help="default: $IDD_LITE")
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--epochs", type=int, help="of each, instead of its recipe's")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--all-lines", action="store_true", help="every epoch, not only those with a score")
    options = parser.parse_args(arguments)
    try:
        trainings = [Training.parse(text) for text in options.trainings]
        configs = [load(each.config_file(), each.recipe, seed=each.seed) for each in trainings]
        for config in configs:
            if config.drawn_scenes:
                draw(config, options.runs, print)
    except (ConfigError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    more = ["--resume", "--minutes", str(options.minutes), "--runs", str(options.runs), "--device", options.device]
    more += ["--idd-lite", str(options.idd_lite)] if options.idd_lite else []
    more += ["--epochs", str(options.epochs)] if options.epochs else []
    more += ["--compile"] if options.compile else []
    folders = [directory(options.runs, config) for config in configs]
    processes = [start(training, more) for training in trainings]

    def stop_all(*_: object) -> None:
        for process in processes:
            process.terminate()

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, stop_all)
    relays = [
        threading.Thread(target=relay, args=(process.stdout, folder.name, not options.all_lines))
        for process, folder in zip(processes, folders, strict=True)
    ]
    for thread in relays:
        thread.start()
    statuses = [process.wait() for process in processes]
    for thread in relays:
        thread.join()
    kept = [folder for folder in folders if (folder / CHECKPOINT).exists()]
    if options.out and kept:
        try:
            print("\n".join(travel.pack(kept, options.out)))
        except travel.CannotTravel as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
    if any(status not in (0, UNFINISHED) for status in statuses):
        return 1
    return UNFINISHED if UNFINISHED in statuses else 0


if __name__ == "__main__":
    sys.exit(main())
