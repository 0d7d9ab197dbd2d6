"""Training configuration: one TOML file a network, read strictly.

    name = "erfnet"              # which of baselines.models.NETWORKS
    recipe = "modern"            # unless --recipe says otherwise
    threads = 2                  # keys up here hold for every recipe

    [modern]                     # these for one of them alone
    epochs = 300

A recipe is a set of defaults for everything below; the file overrides them. An unknown key, a wrong type or an
impossible value raises ConfigError with a hint, before anything is trained.
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
    normalise: bool = True  # to mean 0 and deviation 1; else pixels are 0..1
    drawn_scenes: int = 1000  # how many are drawn once
    drawn_seed: int = 1000
    drawn_per_epoch: int = 300  # how many of them an epoch shows
    # augmentation; the shares are of images
    flip: float = 0.5
    shift: int = 0  # pixels to the right and down, at most
    scale_min: float = 0.75
    scale_max: float = 1.75
    rotate: float = 0.0  # share turned by up to 8 degrees
    jitter: float = 0.3  # brightness, contrast, saturation: factors in [1 - j, 1 + j]
    blur: float = 0.0  # share
    cutmix: float = 0.0  # share that gets a piece of another image of the batch
    rare_crops: float = 0.5  # share of crops that must hold class 1 or 2
    # network and loss
    classes: int = 7  # 8: unlabelled pixels are a class to be learnt, as in the thesis' notebook
    dropout: float = 0.1
    class_weights: str = "sqrt"  # of 1 / ln(1.10 + p): "none", "sqrt" or "full"
    lovasz: float = 0.5
    auxiliary: float = 0.4
    # optimisation
    optimizer: str = "adamw"  # or "adam", whose weight decay is an L2 penalty on everything
    schedule: str = "cosine"  # to 0; "poly": (1 - progress) ** 0.9, by epoch; "constant"
    batch: int = 16
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    warmup_epochs: float = 2.0
    clip: float = 5.0  # the gradient's norm; 0 for never
    ema: float = 0.998  # the averaged weights' memory; 0 for the last weights themselves
    precision: str = "bf16"  # or "fp32"
    threads: int = 0  # on the CPU; 0 for as many as this process may use
    evaluate_every: int = 5


_PLAIN = {  # what the notebook's and ERFNet's own recipe have in common: shifts and flips, one loss, the last weights
    "height": 160, "width": 320, "normalise": False, "drawn_scenes": 0, "drawn_per_epoch": 0,
    "shift": 2, "scale_min": 1.0, "scale_max": 1.0, "jitter": 0.0, "rare_crops": 0.0,
    "dropout": 0.3, "lovasz": 0.0, "auxiliary": 0.0,
    "optimizer": "adam", "learning_rate": 5e-4, "weight_decay": 1e-4, "warmup_epochs": 0.0, "clip": 0.0, "ema": 0.0,
}  # fmt: skip

RECIPES: dict[str, dict[str, Any]] = {
    # The thesis' notebook (section 3.8): eight outputs, 255 learnt as class 7, five epochs of two images a step.
    "notebook": {
        **_PLAIN, "epochs": 5, "classes": 8, "class_weights": "none", "schedule": "constant", "batch": 2,
        "evaluate_every": 1,
    },
    # ERFNet's own: weighted cross-entropy, Adam, poly decay. Without the paper's first stage on the encoder alone.
    "erfnet": {**_PLAIN, "epochs": 150, "class_weights": "full", "schedule": "poly", "batch": 6},
    # What we would do today, from scratch, on one GPU.
    "modern": {
        "epochs": 300, "height": 224, "width": 320, "scale_min": 0.5, "scale_max": 2.0, "rotate": 0.3, "jitter": 0.4,
        "blur": 0.1, "cutmix": 0.5, "learning_rate": 1.5e-3, "warmup_epochs": 5.0, "ema": 0.999, "evaluate_every": 10,
    },
    # The same idea for two CPU cores and an hour: less to see, less augmentation.
    "quick": {"epochs": 40},
}  # fmt: skip

CHOICES: dict[str, tuple[object, ...]] = {
    "class_weights": ("none", "sqrt", "full"),
    "precision": ("fp32", "bf16"),
    "optimizer": ("adamw", "adam"),
    "schedule": ("cosine", "poly", "constant"),
    "classes": (7, 8),
    "recipe": tuple(RECIPES),
}
AT_LEAST_ONE = ("epochs", "height", "width", "batch", "evaluate_every")
AT_LEAST_ZERO = ("threads", "shift", "drawn_scenes", "drawn_per_epoch", "lovasz", "auxiliary", "clip", "warmup_epochs")
FRACTIONS = ("flip", "rotate", "blur", "cutmix", "rare_crops", "dropout", "ema", "jitter")


def load(path: Path, recipe: str | None = None, **overrides: Any) -> Config:
    """Read a configuration file; raises ConfigError (also for TOML that can't be parsed) and OSError.

    `recipe` takes the place of the file's; `overrides` that are not None beat everything else.
    """
    try:
        return parse(tomllib.loads(path.read_text(encoding="utf-8")), recipe, **overrides)
    except (tomllib.TOMLDecodeError, ConfigError) as error:
        raise ConfigError(f"{path}: {error}") from error


def parse(values: dict[str, Any], recipe: str | None = None, **overrides: Any) -> Config:
    """A Config from the file's keys and tables on top of the recipe's; raises ConfigError."""
    common = {key: value for key, value in values.items() if key not in RECIPES}
    tables = {key: value for key, value in values.items() if key in RECIPES}
    for key, table in tables.items():
        if not isinstance(table, dict):
            raise ConfigError(f"{key} is a recipe: write a table [{key}] with the keys that hold for it alone")
    chosen = recipe or common.get("recipe")
    if chosen is None:
        raise ConfigError("key 'recipe' is missing")
    if chosen not in RECIPES:
        raise ConfigError(f"recipe must be one of {', '.join(RECIPES)}, not {chosen!r}")
    given = {key: value for key, value in overrides.items() if value is not None}
    for part in (common, *tables.values(), given):
        _known(part)
    merged = {**RECIPES[chosen], **common, **tables.get(chosen, {}), **given, "recipe": chosen}
    if "name" not in merged:
        raise ConfigError("key 'name' is missing")
    kinds = {field.name: str(field.type) for field in dataclasses.fields(Config)}
    config = Config(**{key: _typed(key, value, kinds[key]) for key, value in merged.items()})
    _check(config)
    return config


def _known(values: dict[str, Any]) -> None:
    fields = [field.name for field in dataclasses.fields(Config)]
    for key in values:
        if key not in fields:
            near = difflib.get_close_matches(key, fields, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(fields)}"
            raise ConfigError(f"unknown key {key!r}; {hint}")


def _typed(key: str, value: object, kind: str) -> Any:
    if kind == "float" and type(value) is int:
        return float(value)
    if type(value).__name__ != kind:
        raise ConfigError(f"{key} must be a {kind}, not {value!r}")
    return value


def _check(config: Config) -> None:
    for key, options in CHOICES.items():
        if getattr(config, key) not in options:
            raise ConfigError(f"{key} must be one of {', '.join(map(str, options))}, not {getattr(config, key)!r}")
    for key in AT_LEAST_ONE:
        if getattr(config, key) < 1:
            raise ConfigError(f"{key} must be at least 1, not {getattr(config, key)}")
    for key in ("height", "width"):
        if getattr(config, key) % 8:
            near = max(8, round(getattr(config, key) / 8) * 8)
            raise ConfigError(f"{key} must be a multiple of 8, not {getattr(config, key)}: {near} is near")
    for key in AT_LEAST_ZERO:
        if getattr(config, key) < 0:
            raise ConfigError(f"{key} can't be below 0, but is {getattr(config, key)}")
    for key in FRACTIONS:
        if not 0 <= getattr(config, key) < 1:
            raise ConfigError(f"{key} must be in [0, 1), not {getattr(config, key)}")
    if not 0 < config.scale_min <= config.scale_max:
        raise ConfigError("scale_min must be above 0 and no more than scale_max")
    if config.drawn_per_epoch > config.drawn_scenes:
        raise ConfigError("drawn_per_epoch can't exceed drawn_scenes")
