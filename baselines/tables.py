"""Write docs/baselines.md: the thesis' tables, with our numbers beside them.

    python -m baselines.tables        (`make tables`)

Everything of ours comes from baselines/weights/*.json, baselines/results/ and the networks; nothing is typed.
"""

from __future__ import annotations

import functools
import statistics
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch

from baselines import curves, shipped
from baselines.models import NETWORKS, Size, count
from evaluator.metrics import CLASS_NAMES

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs"
CURVES = Path("images") / "baselines-curves.svg"
WITHIN = 1.0  # points of mIoU below the thesis' number that still count as reproduced: val has only 204 images

SPLIT = "673/110"
TABLE_3_4 = {"erfnet": 66.14, "drn_d_22": 55.03}
TABLE_3_5 = {"erfnet": 1.12, "drn_d_22": 56.61}
TABLE_4_2 = {"erfnet_compressed": 53.975, "dws": 52.01, "dws_g2": 50.71, "dws_g4": 48.88, "dws_g8": 46.40}
TABLE_4_2_WEIGHTS = {
    "erfnet_plain": 2_038_448, "dws_full": 547_120, "dws_g2_full": 395_568, "dws_g4_full": 319_792,
    "dws_g8_full": 281_904,
}  # fmt: skip

INTRO = """# Baselines

Written by `make tables` from the cards, the records of trainings and the networks themselves; nothing of ours is typed.
"The thesis" is A. Mishra, *Towards Enhancing Semantic Segmentation in Resource Constrained Settings*, IIIT Hyderabad
2024; its numbers stand here as printed, with the scale and the split they are on.

**Ours** is the mIoU over seven classes by the [official rule](scoring.md), in percent, on the 204 validation images of
IDD-lite, of the weights after the last epoch; nothing is picked by it. With several seeds it is their mean and standard
deviation. No split of the thesis is the published one, so even "reproduced" compares different images.

| status | means |
|---|---|
| reproduced | ours is at least the thesis' number less one point |
| not reached | ours is lower than that |
| ours only | the thesis has no number for it |
| not comparable | both have one, but of different things; the text says which |
| not run (no GPU) | code and recipe are ready; it wants a GPU, or more CPU time than there was |
"""


class Ours(NamedTuple):
    network: str
    recipe: str
    scores: list[float]  # percent, one a seed
    minutes: float
    device: str
    commit: str

    @property
    def text(self) -> str:
        mean = statistics.mean(self.scores)
        return f"{mean:.2f}" if len(self.scores) == 1 else f"{mean:.2f} ± {statistics.stdev(self.scores):.2f}"


def ours() -> dict[tuple[str, str], Ours]:
    """By network and recipe; only trainings that were finished."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for record in shipped.records():
        training = record["training"]
        if training["finished_epochs"] == training["epochs"]:
            found.setdefault((record["network"], training["recipe"]), []).append(record)
    return {
        key: Ours(
            *key,
            [100 * record["idd_lite_val"]["miou"] for record in records],
            statistics.mean(record["training"]["minutes"] for record in records),
            records[0]["training"].get("device", "CPU"),
            (records[0]["training"].get("commit") or "unknown")[:7],
        )
        for key, records in found.items()
    }


def text() -> str:
    """The whole page."""
    parts = [
        INTRO, sizes(), table_3_4(), table_3_5(), table_4_2(), by_class(), training_curves(),
        (HERE / "thesis_errata.md").read_text(encoding="utf-8"), REPEAT,
    ]  # fmt: skip
    return "\n".join(part.rstrip("\n") + "\n" for part in parts if part)


def sizes() -> str:
    rows = []
    for name in NETWORKS:
        size, at_output = _size(name), _size(name, deconv_at="output").gmac
        rows.append(
            [f"`{name}`", f"{size.parameters:,}", f"{size.conv_weights:,}", f"{size.gmac:.3f}", f"{at_output:.3f}"]
        )
    return f"""## Sizes

For seven classes and 128 x 256. Parameters are all there are; convolution weights leave out biases and batch norms.
GMAC are billions of multiply-adds of convolutions, a transposed one counted at its input, which is what it multiplies;
the last column counts it at its output, as some counters do.

{table(["network", "parameters", "convolution weights", "GMAC", "at the output"], rows)}"""


def table_3_4() -> str:
    rows = []
    for name, printed in TABLE_3_4.items():
        for recipe in ("erfnet", "modern"):
            mine = _ours(name, recipe, printed)
            rows.append([f"`{name}`", f"{printed:.2f}", "not said", SPLIT, recipe, *mine])
    return f"""## Table 3.4: ERFNet and DRN on IDD-lite

The authors of DRN start from weights trained on ImageNet; whether the thesis did, it doesn't say. Ours starts from
nothing. "Scale" is whether the mean is of seven classes or of eight: see the first entry of the list below.

{table(["network", "thesis", "scale", "split", "recipe", "ours", "status", *MORE], rows)}"""


def table_3_5() -> str:
    rows = []
    for row in shipped.latency():
        printed = TABLE_3_5.get(row["name"])
        seconds = f"{printed:.2f}" if printed and (row["base"], row["cpus"]) == ("pytorch", 1) else ""
        status = "not comparable" if seconds else "ours only"
        rows.append([
            f"`{row['name']}`", seconds, row["base"], str(row["cpus"]), row["input"], _seconds(row["median_ms"]),
            _seconds(row["p90_ms"]), f"{row['peak_mib']:.0f}" if row["peak_mib"] else "", row["verdict"],
            status + ("" if row["trained"] else ", untrained weights"),
        ])  # fmt: skip
    measured = "Not run yet: `python -m baselines.latency --keep`."
    if rows:
        machines = sorted({f"{row['machine']} (load average {row['load_average']})" for row in shipped.latency()})
        limit = sorted({row["memory_mib"] for row in shipped.latency()})
        heads = ["network", "thesis, s", "base", "CPUs", "input", "median, s", "90 %, s", "MiB", "verdict", "status"]
        measured = (
            f"Memory limit {', '.join(map(str, limit))} MiB, no swap, exclusive cores, on {'; '.join(machines)}.\n\n"
            + table(heads, rows)
        )
    return f"""## Table 3.5: seconds for an image

The thesis measured 1.12 s for ERFNet and 56.61 s for DRN on a Raspberry Pi. We measure in our own container, from the
first byte of the image to the last of the answer, on another processor: **not comparable**. How long a network takes
does not depend on what it has learnt, so those without weights are measured untrained.

{measured}"""


def table_4_2() -> str:
    found = ours()
    recipe = next((r for r in ("modern", "quick") if all((name, r) in found for name in TABLE_4_2)), None)
    order = "Not decided yet: not all five are trained by the same recipe."
    if recipe:
        means = [statistics.mean(found[name, recipe].scores) for name in TABLE_4_2]
        same = means == sorted(means, reverse=True)
        order = f"By recipe `{recipe}` the order is {'the same: **reproduced**' if same else '**another one**'}."
    rows = []
    for name, printed in TABLE_4_2.items():
        recipes = [r for r in ("quick", "modern") if (name, r) in found] or ["modern"]
        for each in recipes:
            rows.append([f"`{name}`", f"{printed:g}", "not said", "not said", each, *_ours(name, each, printed)])
    counted = [
        [f"`{name}`", f"{weights:,}", f"{_size(name, classes=20).conv_weights:,}"]
        for name, weights in TABLE_4_2_WEIGHTS.items()
    ]
    return f"""## Table 4.2: depthwise-separable and grouped convolutions

The order is what the table is about: fewer weights in the 1 x 1 convolutions, less accuracy.
{order}

{table(["network", "thesis", "scale", "split", "recipe", "ours", "status", *MORE], rows)}

The parameter column of that table is of other networks: the full-size ones of Vallurupalli et al. 2018 for the 20
classes of Cityscapes, counting convolution weights alone. We don't train these; their layout, inferred from the counts,
meets all five:

{table(["network", "thesis", "ours"], counted)}"""


def by_class() -> str:
    rows = []
    for name in shipped.names():
        facts = shipped.description(name)
        assert facts is not None
        val, drawn = facts["idd_lite_val"], facts["drawn_val"]
        rows.append([
            f"[`{name}`](../baselines/weights/{name}.md)", f"**{100 * val['miou']:.2f}**",
            *(f"{100 * val['iou'][label]:.1f}" for label in CLASS_NAMES), f"{100 * drawn['miou']:.2f}",
            f"{facts['height']} x {facts['width']}", facts["weights"]["dtype"],
        ])  # fmt: skip
    waiting = [name for name in NETWORKS if shipped.status(name) == shipped.NOT_RUN]
    rest = f"\n\nWithout weights yet: {', '.join(f'`{name}`' for name in waiting)}." if waiting else ""
    return f"""## The weights we ship, by class

IoU in percent on IDD-lite's 204 validation images; the next-to-last score is on 40 drawn scenes (seed 0), which the
demo uses where IDD-lite isn't at hand.

{table(["network", "mIoU", *CLASS_NAMES, "drawn", "input", "stored as"], rows)}{rest}"""


def training_curves() -> str:
    if not any(record["curve"] for record in shipped.records()):
        return ""
    return f"""## Figure 3.9: score against training time

![mIoU on the validation split against minutes of training]({CURVES.as_posix()})"""


REPEAT = """## To repeat it

    IDD_LITE=DIR python -m baselines.train baselines/configs/erfnet.toml --recipe erfnet    # or modern, notebook, quick
    IDD_LITE=DIR python -m baselines.card runs/erfnet-erfnet --record-only
    python -m baselines.latency --keep                                                      # needs a Docker Engine
    make tables

[baselines/README.md](../baselines/README.md) has the recipes, and how to use a GPU that is lent for minutes.
"""

MORE = ["parameters", "GMAC", "ms at 1 CPU", "minutes trained", "on", "commit"]


def _ours(name: str, recipe: str, printed: float) -> list[str]:
    """Our score, its status word, and MORE."""
    size = _size(name)
    common = [f"{size.parameters:,}", f"{size.gmac:.3f}", _milliseconds(name)]
    found = ours().get((name, recipe))
    if found is None:
        return ["", shipped.NOT_RUN, *common, "", "", ""]
    reached = statistics.mean(found.scores) >= printed - WITHIN
    return [
        f"**{found.text}**", "reproduced" if reached else "not reached", *common, f"{found.minutes:.0f}", found.device,
        found.commit,
    ]  # fmt: skip


@functools.cache
def _size(name: str, classes: int = 7, deconv_at: Literal["input", "output"] = "input") -> Size:
    with torch.device("meta"):
        return count(NETWORKS[name](classes=classes), deconv_at=deconv_at)


def _milliseconds(name: str) -> str:
    """In the container where that was measured, else on the machine that wrote the card."""
    for row in shipped.latency():
        if (row["name"], row["base"], row["cpus"]) == (name, "pytorch", 1) and row["median_ms"]:
            return f"{row['median_ms']:.1f}"
    facts = shipped.description(name)
    return f"{facts['cpu']['ms_per_image']:.1f}" if facts else ""


def _seconds(milliseconds: float | None) -> str:
    return "" if milliseconds is None else f"{milliseconds / 1000:.3f}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def write(docs: Path) -> None:
    (docs / "baselines.md").write_text(text(), encoding="utf-8")
    named = [(f"{r['network']}, {r['training']['recipe']}", r) for r in shipped.records() if r["curve"]]
    if named:
        (docs / CURVES).write_text(curves.draw_points([(name, r["curve"]) for name, r in named]), encoding="utf-8")


def main() -> int:
    write(DOCS)
    print(DOCS / "baselines.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
