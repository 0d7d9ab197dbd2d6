"""Where a network spends its time: run time by layer on this machine's CPU, the thesis' Figure 3.10.

    python -m baselines.profile erfnet [--threads 1] [--out profile.svg] [--json]

The network is the one of the container: batch norms folded, channels last, at its own input size. Times don't depend on
the weights' values, so networks without weights can be profiled too.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from baselines import shipped
from baselines.models import NETWORKS, Network, fuse
from evaluator.svg import bars

WARM_UP = 3


@dataclasses.dataclass(frozen=True)
class Layer:
    name: str
    kind: str
    output: list[int]  # channels, height, width
    ms: float  # the fastest of the repeats: what else the machine does only adds
    share: float  # of the whole network's time


def layers(network: Network) -> Iterator[tuple[str, nn.Module]]:
    """The blocks in the order of the network's definition: members of its sequences and lists, and what is beside."""
    for name, child in network.named_children():
        if type(child) in (nn.Sequential, nn.ModuleList):
            yield from ((f"{name}.{index}", block) for index, block in child.named_children())
        elif not isinstance(child, nn.Dropout2d):
            yield name, child


def profile(network: Network, height: int, width: int, repeats: int = 20) -> tuple[float, list[Layer]]:
    """Milliseconds of the whole network, and of its layers; what is done between them is a layer "between"."""
    network = fuse(network).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    times: dict[str, list[float]] = {}
    shapes: dict[str, list[int]] = {}
    began: dict[str, float] = {}
    kinds = {}
    for name, block in layers(network):
        kinds[name], times[name] = type(block).__name__, []

        def before(module: nn.Module, inputs: object, name: str = name) -> None:
            began[name] = time.perf_counter()

        def after(module: nn.Module, inputs: object, output: Tensor, name: str = name) -> None:
            times[name].append(1000 * (time.perf_counter() - began[name]))
            shapes[name] = list(output.shape[1:])

        block.register_forward_pre_hook(before)
        block.register_forward_hook(after)
    image = torch.randn(1, 3, height, width).contiguous(memory_format=torch.channels_last)
    whole = []
    with torch.inference_mode():
        for _ in range(WARM_UP + repeats):
            start = time.perf_counter()
            network(image)
            whole.append(1000 * (time.perf_counter() - start))
    total = min(whole[WARM_UP:])
    found = {name: min(each[WARM_UP:]) for name, each in times.items()}
    rows = [Layer(name, kinds[name], shapes[name], ms, ms / total) for name, ms in found.items()]
    between = max(0.0, total - sum(found.values()))
    return total, [*rows, Layer("between", "pooling, resizing, concatenation", [], between, between / total)]


def draw(name: str, total: float, rows: list[Layer]) -> str:
    """SVG text."""
    named = [(f"{row.name} {row.kind}" if row.output else "between", row.ms) for row in rows]
    return bars(f"{name}: run time by layer, {total:.1f} ms in all", named, " ms")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m baselines.profile", description="Run time by layer on the CPU.")
    parser.add_argument("name", choices=sorted(NETWORKS))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--height", type=int, help="of the input (default: that of the weights, else 128)")
    parser.add_argument("--width", type=int, help="of the input (default: that of the weights, else 256)")
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--out", type=Path, help="draw it into this SVG file")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    facts = shipped.description(options.name) or {"height": 128, "width": 256}
    height, width = options.height or facts["height"], options.width or facts["width"]
    total, rows = profile(NETWORKS[options.name](), height, width, options.repeats)
    if options.out:
        options.out.write_text(draw(options.name, total, rows), encoding="utf-8")
    if options.json:
        print(json.dumps({"name": options.name, "ms": total, "layers": [dataclasses.asdict(row) for row in rows]}))
        return 0
    print(f"{options.name}, {height} x {width}, {options.threads} thread(s): {total:.2f} ms an image")
    for row in rows:
        shape = " x ".join(map(str, row.output))
        print(f"{row.name:<12}{row.kind:<34}{shape:<16}{row.ms:8.2f} ms {100 * row.share:5.1f} %")
    return 0


if __name__ == "__main__":
    sys.exit(main())
