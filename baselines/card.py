"""Turn a training run into what the repository holds: weights, their description and the model card.

    IDD_LITE=/path/to/idd20k_lite python -m baselines.card erfnet_compressed --from runs/erfnet_compressed

writes baselines/weights/NAME.safetensors (float16, unless that costs more than 0.2 points of mIoU), NAME.json (read by
`baselines.predict`) and NAME.md. Every number in them is measured here, with the very code that runs in the container.
"""

from __future__ import annotations

import argparse
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
from torch import Tensor

from baselines import predict
from baselines.config import Config
from baselines.data import MEAN, STD, Source, read_split
from baselines.models import NETWORKS, count
from evaluator.metrics import CLASS_NAMES, SCORE_SIZE, Scores, confusion_matrix, scores
from evaluator.sample import draw_sample

WEIGHTS = Path(__file__).parent / "weights"
MOST_LOST = 0.002  # of mIoU, by rounding to float16
DRAWN_VAL = 40  # the drawn sample's validation split, seed 0: what the demo evaluates on


def make(name: str, run: Path, idd_lite: Path, out: Path = WEIGHTS) -> dict[str, Any]:
    """Measure the averaged weights of `run` and write the three files; returns the description.

    Raises FileNotFoundError if the run or the data set is missing, ValueError if the run trained another network.
    """
    saved = run / "checkpoint.pt"
    if not saved.exists():
        raise FileNotFoundError(f"{saved} does not exist: train it first, python -m baselines.train")
    state = torch.load(saved, weights_only=True)
    config = Config(**state["config"])
    if config.name != name:
        raise ValueError(f"{run} trained {config.name}, not {name}")
    torch.set_num_threads(1)
    val, drawn = read_split(idd_lite, "val"), drawn_val()
    facts = describe(config, state)
    with tempfile.TemporaryDirectory() as folder:
        full, _ = trial(Path(folder), facts, state["average"], torch.float32, val)
        result, loaded = trial(Path(folder), facts, state["average"], torch.float16, val)
        narrow = full.miou - result.miou <= MOST_LOST
        if not narrow:
            result, loaded = trial(Path(folder), facts, state["average"], torch.float32, val)
        facts["weights"] = {"dtype": "float16" if narrow else "float32", "miou_float32": round(full.miou, 4)}
        facts["idd_lite_val"] = summary(result)
        facts["drawn_val"] = summary(evaluate(loaded, drawn))
        facts["cpu"] = latency(loaded, val)
        out.mkdir(parents=True, exist_ok=True)
        (out / f"{name}.safetensors").write_bytes((Path(folder) / "weights.safetensors").read_bytes())
    (out / f"{name}.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    (out / f"{name}.md").write_text(card(facts), encoding="utf-8")
    return facts


def describe(config: Config, state: dict[str, Any]) -> dict[str, Any]:
    """What is known without running the network on any image."""
    size = count(NETWORKS[config.name](classes=7), config.height, config.width)
    return {
        "network": config.name,
        "width": config.width,
        "height": config.height,
        "mean": list(MEAN),
        "std": list(STD),
        "classes": list(CLASS_NAMES),
        "parameters": size.parameters,
        "conv_weights": size.conv_weights,
        "gmac": round(size.gmac, 4),
        "training": {
            **state["config"],
            "sources": state["sources"],
            "finished_epochs": state["epoch"],
            "minutes": round(sum(entry["seconds"] for entry in state["log"]) / 60, 1),
            "images_shown": sum(entry["images"] for entry in state["log"]),
            "loss": state["log"][-1]["loss"],
        },
    }


def trial(
    folder: Path, facts: dict[str, Any], tensors: dict[str, Tensor], dtype: torch.dtype, val: Source
) -> tuple[Scores, predict.Loaded]:
    """Write the weights in `dtype` into `folder`, read them back as the container would, and score them."""
    rounded = {k: (v.to(dtype) if v.is_floating_point() else v).contiguous() for k, v in tensors.items()}
    save_file(rounded, folder / "weights.safetensors")
    (folder / "model.json").write_text(json.dumps(facts), encoding="utf-8")
    loaded = predict.read(folder)
    return evaluate(loaded, val), loaded


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


def card(facts: dict[str, Any]) -> str:
    """The model card, Markdown."""
    t, val, drawn, cpu = facts["training"], facts["idd_lite_val"], facts["drawn_val"], facts["cpu"]
    name, size, weights = facts["network"], f"{facts['height']} x {facts['width']}", facts["weights"]
    ious = "\n".join(
        f"| {label} | {100 * val['iou'][label]:.2f} | {100 * drawn['iou'][label]:.2f} |" for label in facts["classes"]
    )
    unfinished = (
        f"\n**Not finished: {t['finished_epochs']} of {t['epochs']} epochs. To be replaced.**\n"
        if t["finished_epochs"] < t["epochs"]
        else ""
    )
    machine = f"{cpu['threads']} thread, {cpu['machine']}, torch {cpu['torch']}, load average {cpu['load_average']}"
    return f"""# {name}
{unfinished}
Written by `python -m baselines.card`; every number is measured, none typed. Commit: see the git log of this file.

| IoU, % | IDD-lite val ({val["images"]} images) | drawn sample val ({drawn["images"]} images, seed 0) |
|---|---|---|
{ious}
| **mean of 7** | **{100 * val["miou"]:.2f}** | **{100 * drawn["miou"]:.2f}** |

| | |
|---|---|
| parameters | {facts["parameters"]:,} (convolution weights {facts["conv_weights"]:,}) |
| GMAC at {size} | {facts["gmac"]:.3f} |
| time of an image | {cpu["ms_per_image"]} ms median; {machine} |
| weights | {weights["dtype"]}; mIoU in float32 {100 * weights["miou_float32"]:.2f} |

## Training

Recipe `{t["recipe"]}` (baselines/configs/{name}.toml), seed {t["seed"]}, {t["finished_epochs"]} epochs,
{t["images_shown"]:,} augmented images in {t["minutes"]:.0f} minutes, {t["threads"]} thread on shared CPU cores,
{t["precision"]}, input {size}, final loss {t["loss"]:.3f}. One run. The weights are the average (EMA) after the last
epoch, not picked by validation score. No pretraining.

Data: {sources(t)}. No validation image was trained on.

## Use

The images of IDD-lite (Indian Driving Dataset) are not part of this repository. Its terms, which allow research use
after registration, apply to the use of these weights too.
"""


def sources(training: dict[str, Any]) -> str:
    real, drawn = training["sources"]["idd_lite"], training["sources"]["drawn"]
    parts = [f"the {real:,} labelled training images of IDD-lite"] if real else []
    if drawn:
        share = f"{training['drawn_per_epoch']} an epoch of " if real else ""
        parts.append(f"{share}{drawn:,} drawn scenes (evaluator.sample, seed {training['drawn_seed']}, not the demo's)")
    return " and ".join(parts)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m baselines.card", description="From a run to weights and card.")
    parser.add_argument("name", choices=sorted(NETWORKS))
    parser.add_argument("--from", dest="run", type=Path, required=True, help="the run's directory, e.g. runs/NAME")
    parser.add_argument("--idd-lite", type=Path, default=os.environ.get("IDD_LITE"), help="default: $IDD_LITE")
    options = parser.parse_args(arguments)
    if options.idd_lite is None:
        parser.error("the card's numbers are measured on IDD-lite: give --idd-lite DIR or IDD_LITE=DIR")
    try:
        facts = make(options.name, options.run, options.idd_lite)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(
        f"{options.name}: mIoU {100 * facts['idd_lite_val']['miou']:.2f} on IDD-lite val, "
        f"{100 * facts['drawn_val']['miou']:.2f} on the drawn sample, {facts['cpu']['ms_per_image']} ms"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
