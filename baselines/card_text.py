"""The model cards' words, Markdown."""

from __future__ import annotations

from typing import Any

from baselines.models import Size

_USE = """## Use

The images of IDD-lite (Indian Driving Dataset) are not part of this repository. Its terms, which allow research use
after registration, apply to the use of these weights too.
"""


def card(facts: dict[str, Any]) -> str:
    """From what `baselines.card` measured."""
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
    commit = t.get("commit") or "not recorded; see the git log of this file"
    kept = f"{weights['bytes'] / 1e6:.2f} MB, " if "bytes" in weights else ""
    command = f"baselines/configs/{name}.toml --recipe {t['recipe']} --epochs {t['epochs']} --seed {t['seed']}"
    average = "the average (EMA) after the last epoch" if t["ema"] else "those after the last epoch"
    return f"""# {name}
{unfinished}
Written by `python -m baselines.card`; every number is measured, none typed.

| IoU, % | IDD-lite val ({val["images"]} images) | drawn sample val ({drawn["images"]} images, seed 0) |
|---|---|---|
{ious}
| **mean of 7** | **{100 * val["miou"]:.2f}** | **{100 * drawn["miou"]:.2f}** |

| | |
|---|---|
| parameters | {facts["parameters"]:,} (convolution weights {facts["conv_weights"]:,}) |
| GMAC at {size} | {facts["gmac"]:.3f} |
| time of an image | {cpu["ms_per_image"]} ms median; {machine} |
| weights | {kept}{weights["dtype"]}; mIoU in float32 {100 * weights["miou_float32"]:.2f} |

## Training

    python -m baselines.train {command}

Commit: {commit}. Recipe `{t["recipe"]}`, seed {t["seed"]}, {t["finished_epochs"]} epochs,
{t["images_shown"]:,} augmented images in {t["minutes"]:.0f} minutes on {t.get("device", "CPU")}, {t["precision"]},
input {size}, final loss {t["loss"]:.3f}.
The weights are {average}, not picked by validation score. No pretraining.

Data: {sources(t)}. No validation image was trained on.

{_USE}"""


def sources(training: dict[str, Any]) -> str:
    real, drawn = training["sources"]["idd_lite"], training["sources"]["drawn"]
    parts = [f"the {real:,} labelled training images of IDD-lite"] if real else []
    if drawn:
        share = f"{training['drawn_per_epoch']} an epoch of " if real else ""
        parts.append(f"{share}{drawn:,} drawn scenes (evaluator.sample, seed {training['drawn_seed']}, not the demo's)")
    return " and ".join(parts)


def missing_card(name: str, size: Size, status: str) -> str:
    """For a network that has code and recipe, but no weights yet."""
    return f"""# {name}

**Status: {status}.** No weights are shipped: nothing here was measured on images.

| | |
|---|---|
| parameters | {size.parameters:,} (convolution weights {size.conv_weights:,}) |
| GMAC at 128 x 256 | {size.gmac:.3f} |

The network and its recipe are ready:

    IDD_LITE=/path/to/idd20k_lite python -m baselines.train baselines/configs/{name}.toml --recipe modern
    IDD_LITE=/path/to/idd20k_lite python -m baselines.card runs/{name}-modern
"""
