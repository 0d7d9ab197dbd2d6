"""Training configuration: one flat TOML file, read strictly.

    name = "erfnet_compressed"   # which of baselines.models.NETWORKS
    recipe = "modern"            # defaults for everything below; the file overrides them
    epochs = 40

An unknown key, a wrong type or an impossible value raises ConfigError with a hint, before anything is trained.
"""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class ConfigError(ValueError):
    """The configuration can't be used; the message says which key and what to write instead."""


@dataclass(frozen=True)
class Config:
    """Everything that decides the outcome of a training, and so the only input of the weights besides the images."""

    name: str
    recipe: str
    epochs: int
    seed: int = 1
    # data: epochs go through all IDD-lite training images and as many drawn scenes
    height: int = 128
    width: int = 256
    drawn_scenes: int = 1000  # how many are drawn once
    drawn_seed: int = 1000
    drawn_per_epoch: int = 300  # how many of them an epoch shows
    # augmentation
    flip: float = 0.5
    scale_min: float = 0.75
    scale_max: float = 1.75
    jitter: float = 0.3  # brightness, contrast, saturation: factors in [1 - j, 1 + j]
    rare_crops: float = 0.5  # share of crops that must hold class 1 or 2
    # network and loss
    dropout: float = 0.1
    class_weights: str = "sqrt"  # of 1 / ln(1.10 + p): "none", "sqrt" or "full"
    lovasz: float = 0.5
    auxiliary: float = 0.4
    # optimisation
    batch: int = 16
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    warmup_epochs: float = 2.0
    ema: float = 0.998
    precision: str = "bf16"  # or "fp32"
    threads: int = 1
    evaluate_every: int = 5


RECIPES: dict[str, dict[str, Any]] = {
    # BASELINES.md section 6, scaled to a CPU: 128 x 256, tens of epochs.
    "modern": {},
    # ERFNet's own: weighted cross-entropy alone, no mean of weights. Poly decay is replaced by the cosine.
    "erfnet": {
        "scale_min": 1.0,
        "scale_max": 1.0,
        "jitter": 0.0,
        "rare_crops": 0.0,
        "dropout": 0.3,
        "class_weights": "full",
        "lovasz": 0.0,
        "auxiliary": 0.0,
        "batch": 6,
        "learning_rate": 5e-4,
        "weight_decay": 1e-4,
        "ema": 0.0,
    },
}
CHOICES = {"class_weights": ("none", "sqrt", "full"), "precision": ("fp32", "bf16"), "recipe": tuple(RECIPES)}
AT_LEAST_ONE = ("epochs", "height", "width", "batch", "threads", "evaluate_every")
FRACTIONS = ("flip", "rare_crops", "dropout", "ema", "jitter")


def load(path: Path) -> Config:
    """Read a configuration file; raises ConfigError (also for TOML that can't be parsed) and OSError."""
    try:
        return parse(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, ConfigError) as error:
        raise ConfigError(f"{path}: {error}") from error


def parse(values: dict[str, Any]) -> Config:
    """A Config from the file's keys on top of the recipe's; raises ConfigError."""
    fields = {field.name: field for field in dataclasses.fields(Config)}
    for key in values:
        if key not in fields:
            near = difflib.get_close_matches(key, fields, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(fields)}"
            raise ConfigError(f"unknown key {key!r}; {hint}")
    for key in ("name", "recipe", "epochs"):
        if key not in values:
            raise ConfigError(f"key {key!r} is missing")
    if values["recipe"] not in RECIPES:
        raise ConfigError(f"recipe must be one of {', '.join(RECIPES)}, not {values['recipe']!r}")
    merged = {**RECIPES[values["recipe"]], **values}
    for key, value in merged.items():
        merged[key] = _typed(key, value, str(fields[key].type))
    config = Config(**merged)
    _check(config)
    return config


def _typed(key: str, value: object, kind: str) -> object:
    if kind == "float" and type(value) is int:
        return float(value)
    if type(value).__name__ != kind:
        raise ConfigError(f"{key} must be a {kind}, not {value!r}")
    return value


def _check(config: Config) -> None:
    for key, options in CHOICES.items():
        if getattr(config, key) not in options:
            raise ConfigError(f"{key} must be one of {', '.join(options)}, not {getattr(config, key)!r}")
    for key in AT_LEAST_ONE:
        if getattr(config, key) < 1:
            raise ConfigError(f"{key} must be at least 1, not {getattr(config, key)}")
    for key in FRACTIONS:
        if not 0 <= getattr(config, key) < 1:
            raise ConfigError(f"{key} must be in [0, 1), not {getattr(config, key)}")
    if not 0 < config.scale_min <= config.scale_max:
        raise ConfigError("scale_min must be above 0 and no more than scale_max")
    if config.drawn_per_epoch > config.drawn_scenes:
        raise ConfigError("drawn_per_epoch can't exceed drawn_scenes")
