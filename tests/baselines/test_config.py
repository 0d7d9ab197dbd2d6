"""Training configurations: strict, and helpful about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from baselines import config
from baselines.config import RECIPES, ConfigError
from baselines.models import NETWORKS

GOOD: dict[str, Any] = {"name": "dws_g8", "recipe": "modern", "epochs": 3}
FILES = sorted((Path(config.__file__).parent / "configs").glob("*.toml"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
@pytest.mark.parametrize("recipe", RECIPES)
def test_each_shipped_file_is_valid_with_each_recipe(path: Path, recipe: str) -> None:
    read = config.load(path, recipe)
    assert read.recipe == recipe
    assert read.name == ("dws_g8" if path.stem == "smoke" else path.stem)


def test_each_network_has_a_file() -> None:
    assert {path.stem for path in FILES} == {*NETWORKS, "smoke"}


def test_the_recipes_are_the_papers() -> None:
    notebook, erfnet = (config.parse({"name": "erfnet", "recipe": recipe}) for recipe in ("notebook", "erfnet"))
    assert (notebook.classes, notebook.epochs, notebook.batch, notebook.schedule) == (8, 5, 2, "constant")
    assert (erfnet.classes, erfnet.epochs, erfnet.batch, erfnet.schedule) == (7, 150, 6, "poly")
    for each in (notebook, erfnet):
        assert (each.width, each.height, each.optimizer, each.learning_rate) == (320, 160, "adam", 5e-4)
        assert (each.shift, each.normalise, each.drawn_scenes, each.ema) == (2, False, 0, 0.0)


def test_each_layer_overrides_the_one_below() -> None:
    """Defaults, recipe, the file's common keys, the recipe's table, the command line."""
    assert config.parse({"name": "erfnet", "recipe": "modern"}).batch == 16
    assert config.parse({"name": "erfnet", "recipe": "erfnet"}).batch == 6
    assert config.parse({"name": "erfnet", "recipe": "erfnet", "batch": 4}).batch == 4
    file = {"name": "erfnet", "recipe": "erfnet", "batch": 4, "erfnet": {"batch": 3}, "modern": {"batch": 2}}
    assert config.parse(file).batch == 3
    assert config.parse(file, "modern").batch == 2
    assert config.parse(file, "quick").batch == 4
    assert config.parse(file, batch=8, seed=None).batch == 8


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"leaning_rate": 0.1}, "unknown key 'leaning_rate'; did you mean 'learning_rate'?"),
        ({"zzz": 1}, "unknown key 'zzz'; known keys: name, recipe"),
        ({"quick": {"leaning_rate": 0.1}}, "did you mean 'learning_rate'?"),
        ({"quick": 3}, r"write a table \[quick\]"),
        ({"epochs": "ten"}, "epochs must be a int, not 'ten'"),
        ({"epochs": True}, "epochs must be a int, not True"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"recipe": "secret"}, "recipe must be one of notebook, erfnet, modern, quick"),
        ({"class_weights": "cubic"}, "class_weights must be one of none, sqrt, full"),
        ({"classes": 9}, "classes must be one of 7, 8"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\)"),
        ({"clip": -1.0}, "clip can't be below 0"),
        ({"height": 227}, "height must be a multiple of 8, not 227: 224 is near"),
        ({"scale_min": 2.0, "scale_max": 1.0}, "scale_min must be above 0"),
        ({"drawn_scenes": 10}, "drawn_per_epoch can't exceed drawn_scenes"),
    ],
)
def test_mistakes_are_named_with_a_hint(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        config.parse({**GOOD, **change})


@pytest.mark.parametrize("key", ["name", "recipe"])
def test_what_has_no_default_must_be_given(key: str) -> None:
    with pytest.raises(ConfigError, match=f"key '{key}' is missing"):
        config.parse({k: v for k, v in GOOD.items() if k != key})


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text("name = ")
    with pytest.raises(ConfigError, match=r"broken\.toml"):
        config.load(path)
