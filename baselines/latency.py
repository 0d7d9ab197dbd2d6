"""Latency in the container at 1 and 2 CPUs, measured as the platform does: the thesis' Table 3.5 for this machine.

    python -m baselines.latency [NAME ...] [--cpus 1 2] [--base pytorch onnx] [--images 40] [--keep]

Needs a Docker Engine, the base images (`python -m sandbox build`) and requirements-dev.txt. Runs each network on drawn
scenes under a memory limit of 1 GiB (--memory-mib). Networks without weights run with untrained ones: how long a
network takes does not depend on what it has learnt. --keep writes the rows of docs/baselines.md (`make tables`).
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, get_args

import torch
from safetensors.torch import save_file

from baselines import card, export, package, predict, shipped
from baselines.config import load
from baselines.fleet import CONFIGS
from baselines.models import NETWORKS
from baselines.models.storing import narrow
from baselines.package import Base
from evaluator import pipeline
from evaluator.datasets import Dataset
from evaluator.sample import draw_sample
from sandbox import Limits

MIB = 1024**2


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    base: str
    cpus: int
    memory_mib: int  # the limit
    verdict: str
    trained: bool
    input: str
    start_seconds: float | None
    median_ms: float | None
    p90_ms: float | None
    peak_mib: float | None


def measure(name: str, base: Base, cpus: int, memory_mib: int, dataset: Dataset) -> Row:
    """One run in a container; a verdict other than OK is a row too."""
    limits = Limits(
        memory_bytes=memory_mib * MIB, cpus=cpus, cpu_quota=float(cpus), image_seconds=120, total_seconds=3600,
        cpu_seconds=7200,
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="parakh-latency-") as folder:
        facts = submission(name, base, Path(folder))
        report = pipeline.evaluate(Path(folder), dataset, limits, kind="code", base=base, seed=0)
    found = report.measurements
    return Row(
        name=name,
        base=base,
        cpus=cpus,
        memory_mib=memory_mib,
        verdict=report.verdict.code,
        trained=name in shipped.names(),
        input=f"{facts['height']} x {facts['width']}",
        start_seconds=_rounded(found.start_seconds, 2),
        median_ms=_rounded(found.latency_median_seconds, 1, 1000),
        p90_ms=_rounded(found.latency_p90_seconds, 1, 1000),
        peak_mib=_rounded(found.memory_peak_bytes, 0, 1 / MIB),
    )


def submission(name: str, base: Base, folder: Path) -> dict[str, Any]:
    """Write what a team would submit into `folder`; untrained weights where none are shipped. Returns its facts."""
    facts = shipped.description(name)
    if facts is None:
        facts = untrained(name, folder)
    else:
        for suffix, file in ((".json", "model.json"), (".safetensors", "weights.safetensors")):
            (folder / file).write_bytes((shipped.WEIGHTS / f"{name}{suffix}").read_bytes())
    if base == "onnx":
        data = export.convert(predict.read(folder), {})
        (folder / "weights.safetensors").unlink()
        (folder / "model.onnx").write_bytes(data)
        (folder / "predict.py").write_bytes((package.HERE / "predict_onnx.py").read_bytes())
        return facts
    for member, source in package.code().items():
        target = folder / member
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())
    return facts


def untrained(name: str, folder: Path) -> dict[str, Any]:
    config = load(CONFIGS / f"{name}.toml")
    torch.manual_seed(0)
    network = NETWORKS[name]()
    save_file(narrow(network, "float16"), folder / "weights.safetensors")
    facts = {"network": name, "width": config.width, "height": config.height, "mean": [0.5] * 3, "std": [0.25] * 3}
    (folder / "model.json").write_text(json.dumps(facts), encoding="utf-8")
    return facts


def keep(rows: list[Row]) -> None:
    """Take the place of earlier rows of the same networks, bases and numbers of CPUs."""
    old = shipped.latency()
    new = {(row.name, row.base, row.cpus): dataclasses.asdict(row) for row in rows}
    machine = {"machine": card.processor(), "load_average": round(os.getloadavg()[0], 1)}
    kept = {(row["name"], row["base"], row["cpus"]): row for row in old}
    kept |= {key: {**row, **machine} for key, row in new.items()}
    shipped.LATENCY.parent.mkdir(parents=True, exist_ok=True)
    shipped.LATENCY.write_text(json.dumps([kept[key] for key in sorted(kept)], indent=1) + "\n", encoding="utf-8")


def _rounded(value: float | None, digits: int, factor: float = 1.0) -> float | None:
    return None if value is None else round(value * factor, digits)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m baselines.latency", description="Latency in the container.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all but the full-size dws networks")
    parser.add_argument("--cpus", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--base", nargs="+", choices=get_args(Base), default=["pytorch", "onnx"])
    parser.add_argument("--images", type=int, default=40)
    parser.add_argument("--memory-mib", type=int, default=1024)
    parser.add_argument("--keep", action="store_true", help="write the rows into baselines/results/latency.json")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in NETWORKS]
    if unknown:
        parser.error(f"no network is called {unknown[0]!r}; there are: {', '.join(NETWORKS)}")
    names = options.names or [name for name in NETWORKS if shipped.status(name) != shipped.COUNTED_ONLY]
    rows = []
    with tempfile.TemporaryDirectory(prefix="parakh-scenes-") as folder:
        draw_sample(Path(folder) / "scenes", train=0, val=options.images, seed=0)
        dataset = Dataset.open(Path(folder) / "scenes", "val")
        for name in names:
            for base in options.base:
                for cpus in options.cpus:
                    rows.append(measure(name, base, cpus, options.memory_mib, dataset))
                    if not options.json:
                        print(line(rows[-1]), flush=True)
    if options.json:
        print(json.dumps([dataclasses.asdict(row) for row in rows], indent=1))
    if options.keep:
        keep(rows)
    return 0 if all(row.verdict == "OK" for row in rows) else 1


def line(row: Row) -> str:
    weights = "" if row.trained else "  (untrained weights)"
    if row.median_ms is None:
        return f"{row.name:<18}{row.base:<9}{row.cpus} CPU  {row.verdict}{weights}"
    return (
        f"{row.name:<18}{row.base:<9}{row.cpus} CPU  {row.input:<10}{row.median_ms:8.1f} ms median"
        f" {row.p90_ms:8.1f} ms p90  start {row.start_seconds:5.2f} s  {row.peak_mib or 0:4.0f} MiB"
        f"  {row.verdict}{weights}"
    )


if __name__ == "__main__":
    sys.exit(main())
