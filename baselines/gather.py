"""What a training learns from: IDD-lite where it is there, drawn scenes where the recipe asks for them."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from baselines.config import Config, ConfigError
from baselines.data import Source, read_split
from evaluator.sample import draw_frame

Say = Callable[[str], None]


@dataclass(frozen=True)
class Sources:
    """What is trained on and what progress is measured on; at least one of `real` and `drawn` is there."""

    real: Source | None
    drawn: Source | None
    val: Source | None

    def all(self) -> list[Source]:
        return [source for source in (self.real, self.drawn) if source]

    def counts(self) -> dict[str, int]:
        return {
            "idd_lite": len(self.real) if self.real else 0,
            "drawn": len(self.drawn) if self.drawn else 0,
        }

    def shown(self, config: Config) -> int:
        """Images of one epoch: all real ones and a part of the drawn ones, or all drawn ones where that is all."""
        if self.real and self.drawn:
            return len(self.real) + min(config.drawn_per_epoch, len(self.drawn))
        return sum(self.counts().values())


def gather(config: Config, idd_lite: Path | None, runs: Path, say: Say = print) -> Sources:
    """Read IDD-lite if it is there, draw (once, kept under `runs`) the scenes that the configuration asks for.

    Raises ConfigError where there would be nothing to train on.
    """
    drawn = read_split(draw(config, runs, say), "train") if config.drawn_scenes else None
    if idd_lite is None:
        if drawn is None:
            raise ConfigError(
                f"recipe {config.recipe!r} trains on IDD-lite alone: give --idd-lite DIR or IDD_LITE=DIR, "
                "or write drawn_scenes = 1000 into the configuration to try it on drawn scenes"
            )
        say("IDD-lite is not there (--idd-lite DIR or IDD_LITE=DIR): training on drawn scenes only")
        return Sources(None, drawn, None)
    real, val = read_split(idd_lite, "train"), read_split(idd_lite, "val")
    say(f"IDD-lite: {len(real)} training and {len(val)} validation images; {len(drawn) if drawn else 0} drawn scenes")
    return Sources(real, drawn, val)


def draw(config: Config, runs: Path, say: Say) -> Path:
    """The folder with the drawn scenes, drawn on all cores if it isn't there; trainings side by side share it."""
    directory = runs / f"drawn-{config.drawn_seed}-{config.drawn_scenes}"
    runs.mkdir(parents=True, exist_ok=True)
    with (runs / ".drawing").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not directory.exists():
            say(f"drawing {config.drawn_scenes} scenes into {directory}")
            partial_directory = directory.with_name(f"{directory.name}.partial")
            shutil.rmtree(partial_directory, ignore_errors=True)
            one = partial(draw_frame, partial_directory, "train", seed=config.drawn_seed)
            with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
                list(pool.map(one, range(config.drawn_scenes), chunksize=8))
            os.replace(partial_directory, directory)
    return directory
