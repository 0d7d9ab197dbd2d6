"""Turn trainings into what the repository holds: weights, their description, the model card, and a record.

    IDD_LITE=/path/to/idd20k_lite python -m baselines.card runs/erfnet-modern [...] [--record-only] [--device auto]

writes baselines/weights/NAME.safetensors (8-bit integers per channel, else float16: the smallest that costs at most
0.2 points of mIoU), NAME.json (read by `baselines.predict`), NAME.md, and baselines/results/NAME-RECIPE.json with the
training curve. --record-only leaves the weights alone: for other seeds and recipes than the one that is shipped. Every
number is measured here, with the very code that runs in the container.

    python -m baselines.card --missing

writes a card for each network without weights: its size, its recipe, and why there are none.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from baselines import predict, provenance, shipped
from baselines.card_text import card, missing_card
from baselines.config import Config
from baselines.curves import points
from baselines.data import Source, read_split
from baselines.data import statistics as pixel_statistics
from baselines.models import NETWORKS, Network, count
from baselines.models.storing import FORMATS, Format, narrow, widen
from baselines.run import CHECKPOINT
from baselines.scoring import Exam
from baselines.train import choose_device
from evaluator.metrics import CLASS_NAMES, SCORE_SIZE, Scores, confusion_matrix, scores
from evaluator.sample import draw_sample

MOST_LOST = 0.002  # of mIoU, by rounding
DRAWN_VAL = 40  # the drawn sample's validation split, seed 0: what the demo evaluates on


def make(run: Path, idd_lite: Path, device: torch.device | None = None, record_only: bool = False) -> dict[str, Any]:
    """Measure the averaged weights of `run` and write the files; returns the description.

    Raises FileNotFoundError if the run or the data set is missing.
    """
    saved = run / CHECKPOINT
    if not saved.exists():
        raise FileNotFoundError(f"{saved} does not exist: train it first, python -m baselines.train")
    state = torch.load(saved, map_location="cpu", weights_only=True)
    config = Config(**state["config"])
    network = NETWORKS[config.name](classes=config.classes, dropout=config.dropout)
    network.load_state_dict(state["average"])
    torch.set_num_threads(1)
    val = read_split(idd_lite, "val")
    facts = describe(config, state)
    how, full = choose_format(network, Exam(val, config, device or torch.device("cpu")), device)
    with tempfile.TemporaryDirectory() as folder:
        save_file(narrow(network, how), Path(folder) / "weights.safetensors")
        (Path(folder) / "model.json").write_text(json.dumps(facts), encoding="utf-8")
        loaded = predict.read(Path(folder))
        weights = (Path(folder) / "weights.safetensors").read_bytes()
    facts["weights"] = {"dtype": how, "bytes": len(weights), "miou_float32": round(full.miou, 4)}
    facts["idd_lite_val"] = summary(evaluate(loaded, val))
    facts["drawn_val"] = summary(evaluate(loaded, drawn_val()))
    facts["cpu"] = latency(loaded, val)
    record(facts, state)
    if not record_only:
        shipped.WEIGHTS.mkdir(parents=True, exist_ok=True)
        (shipped.WEIGHTS / f"{config.name}.safetensors").write_bytes(weights)
        (shipped.WEIGHTS / f"{config.name}.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        (shipped.WEIGHTS / f"{config.name}.md").write_text(card(facts), encoding="utf-8")
    return facts


def describe(config: Config, state: dict[str, Any]) -> dict[str, Any]:
    """What is known without running the network on any image."""
    size = count(NETWORKS[config.name](classes=config.classes), config.height, config.width)
    mean, std = pixel_statistics(config.normalise)
    return {
        "network": config.name,
        "outputs": config.classes,
        "width": config.width,
        "height": config.height,
        "mean": list(mean),
        "std": list(std),
        "classes": list(CLASS_NAMES),
        "parameters": size.parameters,
        "conv_weights": size.conv_weights,
        "gmac": round(size.gmac, 4),
        "training": {
            **state["config"],
            "sources": state["sources"],
            "device": state.get("device", "CPU"),
            "commit": provenance.commit(state.get("code", "")),
            "finished_epochs": state["epoch"],
            "minutes": round(sum(entry["seconds"] for entry in state["log"]) / 60, 1),
            "images_shown": sum(entry["images"] for entry in state["log"]),
            "loss": state["log"][-1]["loss"],
        },
    }


def choose_format(network: Network, exam: Exam, device: torch.device | None) -> tuple[Format, Scores]:
    """The smallest format that costs at most 0.2 points, and the score in float32."""
    trial = copy.deepcopy(network).to(device or torch.device("cpu"))
    found: dict[Format, Scores] = {}
    for how in reversed(FORMATS):
        trial.load_state_dict(widen(narrow(network, how)))
        found[how] = exam.score(trial)
    full = found["float32"]
    return next(how for how in FORMATS if not full.miou - found[how].miou > MOST_LOST), full


def evaluate(loaded: predict.Loaded, source: Source) -> Scores:
    confusions = []
    for image, label in zip(source.images, source.labels, strict=True):
        truth = np.asarray(Image.fromarray(label).resize(SCORE_SIZE, Image.Resampling.NEAREST))
        confusions.append(confusion_matrix(truth, predict.classify(loaded, image)))
    return scores(confusions)


def summary(result: Scores) -> dict[str, Any]:
    return {
        "images": result.images,
        "miou": round(result.miou, 4),
        "iou": {name: round(value, 4) for name, value in result.iou.items()},
    }


def record(facts: dict[str, Any], state: dict[str, Any]) -> None:
    """What the tables of docs/baselines.md are made from: one training, shipped or not, with its curve."""
    training = facts["training"]
    name = f"{training['name']}-{training['recipe']}" + ("" if training["seed"] == 1 else f"-seed{training['seed']}")
    shipped.RESULTS.mkdir(parents=True, exist_ok=True)
    kept = {key: facts[key] for key in ("network", "parameters", "gmac", "height", "width", "training", "idd_lite_val")}
    kept["curve"] = points(state["log"])
    (shipped.RESULTS / f"{name}.json").write_text(json.dumps(kept) + "\n", encoding="utf-8")


def drawn_val() -> Source:
    with tempfile.TemporaryDirectory() as folder:
        draw_sample(Path(folder) / "sample", train=0, val=DRAWN_VAL, seed=0)
        return read_split(Path(folder) / "sample", "val")


def latency(loaded: predict.Loaded, source: Source, repeats: int = 50) -> dict[str, Any]:
    """Median milliseconds of one `predict`, decoding not included."""
    times = []
    for index in range(repeats + 5):
        began = time.perf_counter()
        predict.classify(loaded, source.images[index % len(source)])
        times.append(1000 * (time.perf_counter() - began))
    return {
        "ms_per_image": round(statistics.median(times[5:]), 1),
        "threads": torch.get_num_threads(),
        "machine": processor(),
        "load_average": round(os.getloadavg()[0], 1),
        "torch": torch.__version__,
    }


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def write_missing() -> list[str]:
    """A card for each network without weights; returns their names."""
    written = []
    for name, constructor in NETWORKS.items():
        if shipped.status(name) == shipped.NOT_RUN:
            text = missing_card(name, count(constructor()), shipped.NOT_RUN)
            (shipped.WEIGHTS / f"{name}.md").write_text(text, encoding="utf-8")
            written.append(name)
    return written


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m baselines.card", description="From runs to weights and cards.")
    parser.add_argument("runs", nargs="*", type=Path, help="folders of runs, e.g. runs/erfnet-modern")
    parser.add_argument("--idd-lite", type=Path, default=os.environ.get("IDD_LITE"), help="default: $IDD_LITE")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="to choose the format on")
    parser.add_argument("--record-only", action="store_true", help="for another seed or recipe than the shipped one")
    parser.add_argument("--missing", action="store_true", help="write the cards of networks without weights")
    options = parser.parse_args(arguments)
    if options.missing:
        print("cards without weights:", ", ".join(write_missing()) or "none")
        return 0
    if not options.runs:
        parser.error("name at least one run, e.g. runs/erfnet-modern")
    if options.idd_lite is None:
        parser.error("the card's numbers are measured on IDD-lite: give --idd-lite DIR or IDD_LITE=DIR")
    try:
        for run in options.runs:
            facts = make(run, options.idd_lite, choose_device(options.device), options.record_only)
            print(
                f"{run.name}: mIoU {100 * facts['idd_lite_val']['miou']:.2f} on IDD-lite val, "
                f"{100 * facts['drawn_val']['miou']:.2f} on the drawn sample, {facts['weights']['dtype']}, "
                f"{facts['weights']['bytes'] / 1e6:.1f} MB, {facts['cpu']['ms_per_image']} ms",
                flush=True,
            )
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
