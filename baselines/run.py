"""The state of one training: all of it goes into a checkpoint, and all of it comes back."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from baselines import provenance
from baselines.config import Config, ConfigError
from baselines.models import NETWORKS, Network

CHECKPOINT = "checkpoint.pt"


def directory(runs: Path, config: Config) -> Path:
    """RUNS/NAME-RECIPE, and the seed where it isn't 1."""
    return runs / (f"{config.name}-{config.recipe}" + ("" if config.seed == 1 else f"-seed{config.seed}"))


@dataclass
class Run:
    """`checkpoint` and `restore` hold and bring back the whole state.

    Random numbers need none: the chances of an epoch depend on (seed, epoch), those of dropout on the step as well.
    """

    config: Config
    model: Network
    average: Network
    head: nn.Conv2d  # the auxiliary 1 x 1 classifier on the encoder, not part of the counted network
    optimizer: torch.optim.Optimizer
    device: torch.device
    sources: dict[str, int] = field(default_factory=dict)  # how many images of each kind it was trained on
    epoch: int = 0  # finished ones
    step: int = 0  # finished ones of the epoch under way
    losses: Tensor = field(default_factory=lambda: torch.zeros(()))  # their sum
    seconds: float = 0.0  # spent on them
    log: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def start(cls, config: Config, device: torch.device | None = None) -> Run:
        """Made on the CPU first, so that a seed means the same weights on every device."""
        device = device or torch.device("cpu")
        torch.manual_seed(config.seed)
        constructor = NETWORKS[config.name]
        model, average = (constructor(classes=config.classes, dropout=config.dropout) for _ in range(2))
        average.load_state_dict(model.state_dict())
        head = nn.Conv2d(model.features, config.classes, 1)
        model, average = (m.to(device, memory_format=torch.channels_last) for m in (model, average))  # type: ignore[call-overload]
        return cls(
            config, model, average, head.to(device), _optimizer(config, (model, head), device), device,
            losses=torch.zeros((), device=device),
        )  # fmt: skip

    def checkpoint(self) -> dict[str, Any]:
        return {
            **self.outcome(),
            "step": self.step,
            "losses": self.losses,
            "seconds": self.seconds,
            "model": self.model.state_dict(),
            "head": self.head.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def outcome(self) -> dict[str, Any]:
        """What a card is made from: a checkpoint without what only a resumed training needs."""
        return {
            "config": dataclasses.asdict(self.config),
            "sources": self.sources,
            "code": provenance.fingerprint(),
            "device": torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "CPU",
            "epoch": self.epoch,
            "log": self.log,
            "average": self.average.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Raises ConfigError if the checkpoint was made under another configuration, or is only an outcome."""
        mine = dataclasses.asdict(self.config)
        changed = [key for key in mine if mine[key] != state["config"].get(key)]
        if changed:
            raise ConfigError(f"the checkpoint was made with another {', '.join(changed)}: train without --resume")
        if "optimizer" not in state:
            raise ConfigError(
                "this checkpoint travelled without its optimizer: it can become a card, but no training can go on"
            )
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.head.load_state_dict(state["head"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.epoch, self.step, self.log = state["epoch"], state["step"], state["log"]
        self.losses, self.seconds = state["losses"].to(self.device), state["seconds"]

    def save(self, folder: Path) -> None:
        state = self.checkpoint()
        write_atomically(folder / CHECKPOINT, lambda path: torch.save(state, path))


def _optimizer(config: Config, modules: tuple[nn.Module, ...], device: torch.device) -> torch.optim.Optimizer:
    """AdamW decays neither biases nor batch norms; Adam's L2 penalty is on everything, as in the papers' code."""
    parameters = [p for m in modules for p in m.parameters() if p.requires_grad]
    fused = True if device.type == "cuda" else None
    if config.optimizer == "adam":
        return torch.optim.Adam(parameters, config.learning_rate, weight_decay=config.weight_decay, fused=fused)
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in parameters if p.ndim == 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, config.learning_rate, fused=fused)


def learning_rate(config: Config, epoch: float) -> float:
    """Linear warm-up, then the schedule; `epoch` is fractional, and counts from 0."""
    warmup = min(config.warmup_epochs, config.epochs / 2)
    if epoch < warmup:
        return config.learning_rate * (0.05 + 0.95 * epoch / warmup)
    progress = (epoch - warmup) / (config.epochs - warmup)
    if config.schedule == "cosine":
        return config.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))
    if config.schedule == "poly":
        return float(config.learning_rate * (1 - math.floor(epoch) / config.epochs) ** 0.9)
    return config.learning_rate


@torch.no_grad()
def follow(average: nn.Module, model: nn.Module, decay: float, step: int) -> None:
    """Move the averaged weights towards the model's; the average is short at first, so that the start is forgotten."""
    decay = min(decay, (1 + step) / (10 + step)) if decay else 0.0
    pairs = list(zip(average.state_dict().values(), model.state_dict().values(), strict=True))
    floats = [(target, value) for target, value in pairs if target.is_floating_point()]
    torch._foreach_lerp_([target for target, _ in floats], [value for _, value in floats], 1 - decay)
    for target, value in pairs:
        if not target.is_floating_point():
            target.copy_(value)


def autocast(config: Config, device: torch.device) -> contextlib.AbstractContextManager[object]:
    if config.precision == "bf16":
        return torch.autocast(device.type, torch.bfloat16)
    return contextlib.nullcontext()


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Write beside `path`, then rename: a reader or a crash never meets half a file."""
    partial = path.with_name(path.name + ".partial")
    write(partial)
    os.replace(partial, path)
