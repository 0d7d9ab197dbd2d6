"""Train a bundled network.

    IDD_LITE=/path/to/idd20k_lite python -m baselines.train baselines/configs/erfnet.toml [--recipe NAME] [--resume]

Without IDD-lite (neither --idd-lite nor the variable) it trains on drawn scenes only, and says so. One GPU is used
where there is one (--device). Everything it writes goes to RUNS/NAME-RECIPE (runs/ in the working directory, unless
--runs says otherwise; a seed other than 1 is part of the folder's name):

    checkpoint.pt   the whole state; --resume goes on from it, on a CPU bit for bit as if never stopped
    log.json        one object an epoch: epoch, seconds, loss, and miou (of the averaged weights) now and then
    curve.svg       mIoU against training time: the thesis' Figure 3.9

--minutes 9.5 stops cleanly when that time is over, within an epoch if need be, and so do Ctrl-C and SIGTERM; exit
status 3 then says that it isn't finished. The result is the average (EMA) after the last epoch: no epoch is picked by
its validation score. `python -m baselines.card RUNS/NAME-RECIPE` turns it into the weights that the repository
holds; `python -m baselines.travel` takes it from one machine to another.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from baselines import augment, curves
from baselines import config as configuration
from baselines.augment import Plan
from baselines.config import RECIPES, Config, ConfigError
from baselines.data import Bank, class_shares
from baselines.gather import Say, Sources, gather
from baselines.losses import class_weights, cross_entropy, lovasz_softmax
from baselines.models import NETWORKS
from baselines.run import CHECKPOINT, Run, autocast, directory, follow, learning_rate, write_atomically
from baselines.scoring import Exam

UNFINISHED = 3
TELL_EVERY_SECONDS = 30.0
Both = Callable[[Tensor], tuple[Tensor, Tensor]]


class Clock:
    """Says when to stop, to save and to tell."""

    def __init__(self, minutes: float | None = None, save_every_seconds: float = 0.0) -> None:
        self.deadline = None if minutes is None else time.monotonic() + 60 * minutes
        self.save_every_seconds = save_every_seconds
        self.saved = self.told = time.monotonic()
        self.interrupted = False

    def interrupt(self, *_: object) -> None:
        self.interrupted = True

    @property
    def over(self) -> bool:
        return self.interrupted or (self.deadline is not None and time.monotonic() >= self.deadline)

    def due(self, what: str, every: float) -> bool:
        """Whether `every` seconds have passed since this was last true of "saved" or "told"."""
        now = time.monotonic()
        if now - getattr(self, what) < every:
            return False
        setattr(self, what, now)
        return True


def train(
    config: Config,
    sources: Sources,
    folder: Path,
    resume: bool = False,
    say: Say = print,
    device: torch.device | None = None,
    clock: Clock | None = None,
    compiled: bool = False,
) -> Run:
    """Train to `config.epochs` or until the clock is over, with checkpoint and log under `folder`.

    Raises ConfigError, and FloatingPointError on a loss of NaN; the last checkpoint is then the one to go on from.
    """
    torch.set_num_threads(config.threads or len(os.sched_getaffinity(0)))
    clock = clock or Clock()
    run = Run.start(config, device)
    if resume and (folder / CHECKPOINT).exists():
        run.restore(torch.load(folder / CHECKPOINT, map_location=run.device, weights_only=True))
        say(f"going on after epoch {run.epoch}" + (f" and {run.step} steps" if run.step else ""))
    run.sources = sources.counts()
    shown = sources.shown(config)
    if shown < config.batch:
        raise ConfigError(f"batch is {config.batch}, but there are only {shown} training images")
    folder.mkdir(parents=True, exist_ok=True)
    bank = Bank.of(sources.real, sources.drawn, run.device)
    weights = class_weights(class_shares(sources.all()), config.class_weights)
    if weights is not None and config.classes == 8:
        weights = torch.cat([weights, torch.zeros(1)])
    weights = None if weights is None else weights.to(run.device)
    exam = Exam(sources.val, config, run.device) if sources.val else None
    both: Both = torch.compile(run.model.both, dynamic=False) if compiled else run.model.both
    while run.epoch < config.epochs:
        entry = train_epoch(run, bank, weights, clock, say, both)
        if entry is None:
            break
        if exam and (run.epoch % config.evaluate_every == 0 or run.epoch == config.epochs):
            result = exam.score(run.average)
            entry |= {"miou": result.miou, "iou": result.iou}
        run.log.append(entry)
        if run.epoch == config.epochs or clock.due("saved", clock.save_every_seconds):
            save(run, folder)
        say(progress(run))
    if run.epoch < config.epochs:
        save(run, folder)
        say(f"stopped after epoch {run.epoch} of {config.epochs}; --resume goes on")
    curves.write([(folder.name, run.log)], folder / "curve.svg")
    return run


def save(run: Run, folder: Path) -> None:
    run.save(folder)
    write_atomically(folder / "log.json", lambda path: path.write_text(json.dumps(run.log, indent=1)))


def train_epoch(
    run: Run, bank: Bank, weights: Tensor | None, clock: Clock, say: Say, both: Both
) -> dict[str, Any] | None:
    """What is left of an epoch; returns its entry for the log, or None if the clock stopped it on its way.

    Raises FloatingPointError on a loss of NaN.
    """
    config, before, began = run.config, run.seconds, time.monotonic()
    run.model.train()
    epoch = augment.plan(config, bank.real, len(bank) - bank.real, run.epoch, run.device)
    while run.step < epoch.steps and not clock.over:
        train_step(run, bank, epoch, weights, both)
        run.seconds = before + time.monotonic() - began
        if clock.due("told", TELL_EVERY_SECONDS) and run.seconds > TELL_EVERY_SECONDS:
            say(f"  epoch {run.epoch + 1}: step {run.step} of {epoch.steps}, {run.seconds:.0f} s")
    loss = run.losses.item() / max(run.step, 1)
    run.seconds = before + time.monotonic() - began
    if loss != loss or loss in (float("inf"), float("-inf")):
        raise FloatingPointError(f"the loss is {loss} in epoch {run.epoch + 1}: lower learning_rate, or use fp32")
    if run.step < epoch.steps:
        return None
    entry = {
        "epoch": run.epoch + 1,
        "seconds": round(run.seconds, 2),
        "images": run.step * config.batch,
        "loss": round(loss, 4),
    }
    run.epoch, run.step, run.seconds = run.epoch + 1, 0, 0.0
    run.losses.zero_()
    return entry


def train_step(run: Run, bank: Bank, epoch: Plan, weights: Tensor | None, both: Both) -> None:
    config, done = run.config, run.epoch * epoch.steps + run.step
    torch.manual_seed((config.seed * 100_003 + run.epoch) * 100_003 + run.step)  # for dropout
    for group in run.optimizer.param_groups:
        group["lr"] = learning_rate(config, done / epoch.steps)
    images, labels = augment.batch(bank, epoch, run.step, config)
    loss = training_loss(run, images, labels, weights, both)
    run.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    if config.clip:
        nn.utils.clip_grad_norm_(run.model.parameters(), config.clip)
    run.optimizer.step()
    follow(run.average, run.model, config.ema, done)
    run.losses += loss.detach()
    run.step += 1


def training_loss(run: Run, images: Tensor, labels: Tensor, weights: Tensor | None, both: Both) -> Tensor:
    """Cross-entropy + lovasz * Lovász-softmax + auxiliary * cross-entropy of the encoder's own 1 x 1 classifier."""
    config = run.config
    with autocast(config, run.device):
        logits, features = both(images)
        coarse = run.head(features)
    logits = logits.float()
    loss = cross_entropy(logits, labels, weights)
    if config.auxiliary:
        stride = run.model.stride
        loss = loss + config.auxiliary * cross_entropy(
            coarse.float(), labels[:, stride // 2 :: stride, stride // 2 :: stride], weights
        )
    if (
        config.lovasz
    ):  # on every fourth pixel, another one each step: the sorting costs as much as the network otherwise
        y, x = run.step % 2, run.step // 2 % 2
        loss = loss + config.lovasz * lovasz_softmax(logits[:, :, y::2, x::2], labels[:, y::2, x::2])
    return loss


def progress(run: Run) -> str:
    entry, total = run.log[-1], run.config.epochs
    lately = [each["seconds"] for each in run.log[-5:]]
    left = sum(lately) / len(lately) * (total - run.epoch) / 60
    if run.device.type == "cuda":
        peak = f"{torch.cuda.max_memory_allocated(run.device) / 2**30:.1f} GiB peak on the GPU"
    else:
        peak = f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GiB peak"
    miou = f"  mIoU {100 * entry['miou']:.2f}" if "miou" in entry else ""
    rate = entry["images"] / max(entry["seconds"], 0.01)
    return (
        f"epoch {run.epoch}/{total}  loss {entry['loss']:.4f}{miou}  {entry['seconds']:.1f} s ({rate:.0f} images/s)"
        f"  {left:.1f} min left  {peak}"
    )


def choose_device(wanted: str) -> torch.device:
    """Raises ConfigError if a GPU is asked for where torch sees none."""
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ConfigError("torch sees no GPU here: use --device cpu, or install a CUDA build of torch")
    torch.backends.cudnn.benchmark = True
    return torch.device(wanted)


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m baselines.train", description="Train a bundled network.")
    parser.add_argument("config", type=Path, help="a file of baselines/configs/")
    parser.add_argument("--recipe", choices=tuple(RECIPES), help="instead of the file's")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's")
    parser.add_argument("--seed", type=int, help="instead of the file's (1)")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint, if there is one")
    parser.add_argument("--minutes", type=float, help="stop cleanly after so many; --resume goes on later")
    parser.add_argument("--idd-lite", type=Path, default=os.environ.get("IDD_LITE") or None, help="default: $IDD_LITE")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where runs are kept (default: runs)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--compile", action="store_true", help="with torch.compile; see python -m baselines.speed")
    return parser


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    try:
        device = choose_device(options.device)
        clock = Clock(options.minutes, save_every_seconds=60.0 if device.type == "cuda" else 0.0)
        config = configuration.load(options.config, options.recipe, epochs=options.epochs, seed=options.seed)
        if config.name not in NETWORKS:
            raise ConfigError(f"name must be one of {', '.join(NETWORKS)}, not {config.name!r}")
        sources = gather(config, options.idd_lite, options.runs)
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, clock.interrupt)
        run = train(
            config, sources, directory(options.runs, config), options.resume,
            lambda line: print(line, flush=True), device, clock, options.compile,
        )  # fmt: skip
    except (ConfigError, OSError, FloatingPointError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0 if run.epoch == config.epochs else UNFINISHED


if __name__ == "__main__":
    sys.exit(main())
