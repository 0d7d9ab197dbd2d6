"""Training configurations: strict, and helpful about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from baselines import config
from baselines.config import ConfigError
from baselines.models import NETWORKS

GOOD: dict[str, Any] = {"name": "dws_g8", "recipe": "modern", "epochs": 3}


@pytest.mark.parametrize(
    "path", sorted((Path(config.__file__).parent / "configs").glob("*.toml")), ids=lambda p: p.stem
)
def test_the_shipped_configurations_are_valid(path: Path) -> None:
    assert config.load(path).name in NETWORKS


def test_the_file_overrides_the_recipe_which_overrides_the_defaults() -> None:
    assert config.parse({**GOOD, "recipe": "erfnet"}).batch == 6
    assert config.parse({**GOOD, "recipe": "erfnet", "batch": 4}).batch == 4
    assert config.parse(GOOD).batch == 16


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"leaning_rate": 0.1}, "unknown key 'leaning_rate'; did you mean 'learning_rate'?"),
        ({"zzz": 1}, "unknown key 'zzz'; known keys: name, recipe"),
        ({"epochs": "ten"}, "epochs must be a int, not 'ten'"),
        ({"epochs": True}, "epochs must be a int, not True"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"recipe": "secret"}, "recipe must be one of modern, erfnet"),
        ({"class_weights": "cubic"}, "class_weights must be one of none, sqrt, full"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\)"),
        ({"scale_min": 2.0, "scale_max": 1.0}, "scale_min must be above 0"),
        ({"drawn_scenes": 10}, "drawn_per_epoch can't exceed drawn_scenes"),
    ],
)
def test_mistakes_are_named_with_a_hint(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        config.parse({**GOOD, **change})


@pytest.mark.parametrize("key", ["name", "recipe", "epochs"])
def test_what_has_no_default_must_be_given(key: str) -> None:
    with pytest.raises(ConfigError, match=f"key '{key}' is missing"):
        config.parse({k: v for k, v in GOOD.items() if k != key})


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text("name = ")
    with pytest.raises(ConfigError, match=r"broken\.toml"):
        config.load(path)
