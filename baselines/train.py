"""Train a bundled network.

    IDD_LITE=/path/to/idd20k_lite python -m baselines.train baselines/configs/erfnet_compressed.toml [--resume]

Without IDD-lite (neither --idd-lite nor the variable) it trains on drawn scenes only, and says so. Everything it
writes goes to RUNS/NAME (runs/ in the working directory, unless --runs says otherwise):

    checkpoint.pt   after every epoch, atomically; --resume goes on from it, bit for bit as if never stopped
    log.json        one object an epoch: epoch, seconds, loss, and miou (of the averaged weights) now and then

The result is the average (EMA) after the last epoch: no epoch is picked by its validation score.
`python -m baselines.card NAME --from RUNS/NAME` turns it into the weights that the repository holds.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import math
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from baselines import config as configuration
from baselines.config import Config, ConfigError
from baselines.data import Source, batches, class_shares, read_split
from baselines.losses import class_weights, cross_entropy, lovasz_softmax
from baselines.models import NETWORKS
from baselines.scoring import score
from evaluator.sample import draw_sample

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


@dataclass
class Run:
    """The whole state of a training; `checkpoint` and `restore` hold and bring back all of it.

    Random numbers need no state of their own: each epoch seeds its generators with (seed, epoch).
    """

    config: Config
    model: nn.Module
    average: nn.Module
    head: nn.Conv2d  # the auxiliary 1 x 1 classifier on the encoder, not part of the counted network
    optimizer: torch.optim.AdamW
    sources: dict[str, int] = field(default_factory=dict)  # how many images of each kind it was trained on
    epoch: int = 0  # finished ones
    log: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def start(cls, config: Config) -> Run:
        torch.manual_seed(config.seed)
        constructor = NETWORKS[config.name]
        model, average = constructor(dropout=config.dropout), constructor(dropout=config.dropout)
        average.load_state_dict(model.state_dict())
        head = nn.Conv2d(128, 7, 1)
        model, average = (m.to(memory_format=torch.channels_last) for m in (model, average))  # type: ignore[call-overload]
        decayed = [p for m in (model, head) for p in m.parameters() if p.ndim > 1]
        plain = [p for m in (model, head) for p in m.parameters() if p.ndim == 1]
        groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": plain, "weight_decay": 0.0}]
        return cls(config, model, average, head, torch.optim.AdamW(groups, lr=config.learning_rate))

    def checkpoint(self) -> dict[str, Any]:
        return {
            "config": dataclasses.asdict(self.config),
            "sources": self.sources,
            "epoch": self.epoch,
            "log": self.log,
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "head": self.head.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Raises ConfigError if the checkpoint was made under another configuration."""
        mine = dataclasses.asdict(self.config)
        changed = [key for key in mine if mine[key] != state["config"].get(key)]
        if changed:
            raise ConfigError(f"the checkpoint was made with another {', '.join(changed)}: train without --resume")
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.head.load_state_dict(state["head"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.epoch, self.log = state["epoch"], state["log"]


def train(config: Config, sources: Sources, directory: Path, resume: bool = False, say: Say = print) -> Run:
    """Train to `config.epochs`, writing checkpoint and log under `directory` after each epoch."""
    torch.set_num_threads(config.threads)
    run = Run.start(config)
    saved = directory / "checkpoint.pt"
    if resume and saved.exists():
        run.restore(torch.load(saved, weights_only=True))
        say(f"going on after epoch {run.epoch}")
    run.sources = sources.counts()
    directory.mkdir(parents=True, exist_ok=True)
    weights = class_weights(class_shares(sources.all()), config.class_weights)
    while run.epoch < config.epochs:
        began = time.monotonic()
        loss, images = train_epoch(run, sources, weights)
        run.epoch += 1
        entry: dict[str, Any] = {
            "epoch": run.epoch,
            "seconds": round(time.monotonic() - began, 1),
            "images": images,
            "loss": round(loss, 4),
        }
        if sources.val and (run.epoch % config.evaluate_every == 0 or run.epoch == config.epochs):
            result = score(run.average, sources.val, config)
            entry["miou"] = result.miou
            entry["iou"] = result.iou
        run.log.append(entry)
        write_atomically(saved, lambda path: torch.save(run.checkpoint(), path))
        write_atomically(directory / "log.json", lambda path: path.write_text(json.dumps(run.log, indent=1)))
        say(progress(run))
    return run


def train_epoch(run: Run, sources: Sources, weights: Tensor | None) -> tuple[float, int]:
    """One epoch; returns the mean loss and the number of images shown. Raises FloatingPointError on a loss of NaN."""
    config, total, steps = run.config, 0.0, 0
    torch.manual_seed(config.seed * 100_003 + run.epoch)  # for dropout
    run.model.train()
    shown = sources.shown(config)
    per_epoch = shown // config.batch
    if per_epoch == 0:
        raise ConfigError(f"batch is {config.batch}, but there are only {shown} training images")
    for images, labels in batches(sources.real, sources.drawn, config, run.epoch):
        rate = learning_rate(config, (run.epoch * per_epoch + steps) / per_epoch)
        for group in run.optimizer.param_groups:
            group["lr"] = rate
        loss = training_loss(run, images.contiguous(memory_format=torch.channels_last), labels, weights, steps)
        run.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(run.model.parameters(), 5.0)
        run.optimizer.step()
        follow(run.average, run.model, config.ema, run.epoch * per_epoch + steps)
        total, steps = total + loss.item(), steps + 1
        if not math.isfinite(total):
            raise FloatingPointError(f"the loss is {total} in epoch {run.epoch + 1}: lower learning_rate, or use fp32")
    return total / steps, steps * config.batch


def training_loss(run: Run, images: Tensor, labels: Tensor, weights: Tensor | None, step: int) -> Tensor:
    """Cross-entropy + lovasz * Lovász-softmax + auxiliary * cross-entropy of the encoder's own 1 x 1 classifier."""
    config, model = run.config, run.model
    narrow = torch.autocast("cpu", torch.bfloat16) if config.precision == "bf16" else contextlib.nullcontext()
    with narrow:
        features = model.encode(images)  # type: ignore[operator]
        logits = model.decode(features, images).float()  # type: ignore[operator]
        coarse = run.head(features).float()
    loss = cross_entropy(logits, labels, weights)
    if config.auxiliary:
        loss = loss + config.auxiliary * cross_entropy(coarse, labels[:, 4::8, 4::8], weights)
    if (
        config.lovasz
    ):  # on every fourth pixel, another one each step: the sorting costs as much as the network otherwise
        y, x = step % 2, step // 2 % 2
        loss = loss + config.lovasz * lovasz_softmax(logits[:, :, y::2, x::2], labels[:, y::2, x::2])
    return loss


def learning_rate(config: Config, epoch: float) -> float:
    """Linear warm-up, then half a cosine to 0; `epoch` is fractional."""
    warmup = min(config.warmup_epochs, config.epochs / 2)
    if epoch < warmup:
        return config.learning_rate * (0.05 + 0.95 * epoch / warmup)
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * (epoch - warmup) / (config.epochs - warmup)))


@torch.no_grad()
def follow(average: nn.Module, model: nn.Module, decay: float, step: int) -> None:
    """Move the averaged weights towards the model's; the average is short at first, so that the start is forgotten."""
    decay = min(decay, (1 + step) / (10 + step))
    for target, value in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
        if target.is_floating_point():
            target.lerp_(value, 1 - decay)
        else:
            target.copy_(value)


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Write beside `path`, then rename: a reader or a crash never meets half a file."""
    partial = path.with_name(path.name + ".partial")
    write(partial)
    os.replace(partial, path)


def progress(run: Run) -> str:
    entry, total = run.log[-1], run.config.epochs
    left = entry["seconds"] * (total - run.epoch) / 60
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    miou = f"  mIoU {100 * entry['miou']:.2f}" if "miou" in entry else ""
    rate = entry["images"] / max(entry["seconds"], 0.1)
    return (
        f"epoch {run.epoch}/{total}  loss {entry['loss']:.4f}{miou}  {entry['seconds']:.0f} s ({rate:.0f} images/s)"
        f"  {left:.0f} min left  {peak:.1f} GiB peak"
    )


def gather(config: Config, idd_lite: Path | None, runs: Path, say: Say = print) -> Sources:
    """Read IDD-lite if it is there, draw (once, kept under `runs`) the scenes that the configuration asks for."""
    drawn = None
    if config.drawn_scenes:
        directory = runs / f"drawn-{config.drawn_seed}-{config.drawn_scenes}"
        if not directory.exists():
            say(f"drawing {config.drawn_scenes} scenes into {directory}")
            partial = directory.with_name(f"{directory.name}.{os.getpid()}.partial")
            draw_sample(partial, train=config.drawn_scenes, val=0, seed=config.drawn_seed)
            os.replace(partial, directory)
        drawn = read_split(directory, "train")
    if idd_lite is None:
        say("IDD-lite is not there (--idd-lite DIR or IDD_LITE=DIR): training on drawn scenes only")
        return Sources(None, drawn, None)
    real, val = read_split(idd_lite, "train"), read_split(idd_lite, "val")
    say(f"IDD-lite: {len(real)} training and {len(val)} validation images; {len(drawn) if drawn else 0} drawn scenes")
    return Sources(real, drawn, val)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m baselines.train", description="Train a bundled network.")
    parser.add_argument("config", type=Path, help="a file of baselines/configs/")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint, if there is one")
    parser.add_argument("--idd-lite", type=Path, default=os.environ.get("IDD_LITE") or None, help="default: $IDD_LITE")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where runs are kept (default: runs)")
    options = parser.parse_args(arguments)
    try:
        config = configuration.load(options.config)
        if config.name not in NETWORKS:
            raise ConfigError(f"name must be one of {', '.join(NETWORKS)}, not {config.name!r}")
        sources = gather(config, options.idd_lite, options.runs)
        train(config, sources, options.runs / config.name, options.resume, say=lambda line: print(line, flush=True))
    except (ConfigError, OSError, FloatingPointError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
