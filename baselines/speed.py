"""How fast each network trains on this machine, and how long its recipe would take: before a GPU's minutes are spent.

    python -m baselines.speed [NAME ...] [--recipe modern] [--seconds 5] [--compile]

On made-up images of the right size; the first step, in which kernels are chosen, is timed apart.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from baselines import augment
from baselines import config as configuration
from baselines.config import RECIPES, Config
from baselines.data import Bank, Source
from baselines.fleet import CONFIGS
from baselines.run import Run
from baselines.train import choose_device, train_step

IMAGES_OF_AN_EPOCH = 1403


class Speed(NamedTuple):
    first_seconds: float
    images_per_second: float
    minutes: float  # for all epochs, scoring not included
    gib: float  # peak on the GPU; 0 on the CPU


def measure(config: Config, device: torch.device, seconds: float, compiled: bool) -> Speed:
    run = Run.start(config, device)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2 * config.batch, 227, 320, 3), np.uint8)
    bank = Bank.of(Source(images, rng.integers(0, 7, images.shape[:3], np.uint8)), None, device)
    epoch = augment.plan(config, len(bank), 0, 0, device)
    both = torch.compile(run.model.both, dynamic=False) if compiled else run.model.both
    run.model.train()
    began = time.perf_counter()
    _steps(run, bank, epoch, both, 1)
    first, steps, began = time.perf_counter() - began, 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        _steps(run, bank, epoch, both, 2)
        steps += 2
    rate = steps * config.batch / (time.perf_counter() - began)
    shown = IMAGES_OF_AN_EPOCH + config.drawn_per_epoch
    peak = torch.cuda.max_memory_allocated(device) / 2**30 if device.type == "cuda" else 0.0
    return Speed(first, rate, config.epochs * shown / rate / 60, peak)


def _steps(run: Run, bank: Bank, epoch: augment.Plan, both: object, count: int) -> None:
    for _ in range(count):
        run.step %= epoch.steps
        train_step(run, bank, epoch, None, both)  # type: ignore[arg-type]
    float(run.losses)  # wait for the GPU


def main(arguments: list[str] | None = None) -> int:
    known = sorted(path.stem for path in CONFIGS.glob("*.toml"))
    parser = argparse.ArgumentParser(prog="python -m baselines.speed", description="How fast do networks train here?")
    parser.add_argument("names", nargs="*", default=[], help=", ".join(known))
    parser.add_argument("--recipe", choices=tuple(RECIPES), default="modern")
    parser.add_argument("--seconds", type=float, default=5.0, help="to time each for (5)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--compile", action="store_true", help="with torch.compile beside it")
    options = parser.parse_args(arguments)
    device = choose_device(options.device)
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    print(f"{where}, torch {torch.__version__}, recipe {options.recipe}")
    for name in options.names or known:
        config = configuration.load(Path(CONFIGS / f"{name}.toml"), options.recipe)
        for compiled in (False, True) if options.compile else (False,):
            try:
                found = measure(config, device, options.seconds, compiled)
            except Exception as error:  # whatever a compiler raises: this only asks whether it is of use
                print(f"{name:<18} {'compiled' if compiled else 'plain':<9} failed: {str(error).splitlines()[0]}")
                continue
            print(
                f"{name:<18} {'compiled' if compiled else 'plain':<9} {found.images_per_second:8.0f} images/s"
                f"  {found.minutes:7.1f} min for {config.epochs} epochs  first step {found.first_seconds:.1f} s"
                f"  {found.gib:.1f} GiB",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
