"""Which weights the repository holds, what is known about them, and why others are missing. Needs no torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

WEIGHTS = Path(__file__).parent / "weights"
RESULTS = Path(__file__).parent / "results"

COUNTED_ONLY = "counted only"  # Table 4.2's parameter column; the thesis trained the compressed layout on IDD-lite
NOT_RUN = "not run (no GPU)"
_COUNTED = ("erfnet_plain", "dws_full", "dws_g2_full", "dws_g4_full", "dws_g8_full")


def names() -> list[str]:
    """Baselines that have weights, sorted."""
    return sorted(path.stem for path in WEIGHTS.glob("*.safetensors") if path.with_suffix(".json").exists())


def status(name: str) -> str:
    """ "trained", or why there are no weights."""
    if name in names():
        return "trained"
    return COUNTED_ONLY if name in _COUNTED else NOT_RUN


def weights_of(name: str) -> Path | None:
    """The weights' path from the repository's root, or None."""
    return Path("baselines") / "weights" / f"{name}.safetensors" if name in names() else None


def description(name: str) -> dict[str, Any] | None:
    """What `baselines.card` measured and wrote about the weights of `name`; None if there are none."""
    if name not in names():
        return None
    facts: dict[str, Any] = json.loads((WEIGHTS / f"{name}.json").read_text(encoding="utf-8"))
    return facts


def records() -> list[dict[str, Any]]:
    """What `baselines.card` kept of each training, and of shipped weights that are older than such records."""
    found: dict[tuple[str, str, int], dict[str, Any]] = {}
    shipped = [facts for name in names() if (facts := description(name))]
    for each in [*shipped, *(json.loads(path.read_text("utf-8")) for path in RESULTS.glob("*.json"))]:
        training = each["training"]
        found[each["network"], training["recipe"], training["seed"]] = {"curve": [], **each}
    return [found[key] for key in sorted(found)]
