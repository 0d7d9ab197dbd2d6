"""A bundled baseline as ONNX: for the `onnx` base image, or any other runtime.

    python -m baselines.export erfnet_compressed [--out DIR]

Image float32[1, 3, h, w], normalised, to logits float32[1, 7, 128, 256]: batch norms folded, logits resized to the
scoring size. Needs torch, onnx and onnxscript (requirements-dev.txt).
"""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import load_file
from torch import Tensor, nn

from baselines import predict, shipped
from baselines.models.storing import SCALE

OPSET = 20
logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # else it names the parts of torchvision that it won't miss


class Whole(nn.Module):
    """A network and what `baselines.predict` does after it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        logits: Tensor = self.network(image)[:, : predict.CLASSES]
        size = predict.SCORE_SIZE[::-1]
        if logits.shape[-2:] == size:
            return logits
        return nn.functional.interpolate(logits, size, mode="bilinear", align_corners=False)


def export(name: str) -> bytes:
    """The ONNX file of a baseline that has weights.

    Raises KeyError, naming those that exist, if there are no weights for `name`.
    """
    if name not in shipped.names():
        raise KeyError(f"no weights for {name!r}; there are: {', '.join(shipped.names()) or 'none yet'}")
    with tempfile.TemporaryDirectory() as folder:
        for source, target in (("json", "model.json"), ("safetensors", "weights.safetensors")):
            (Path(folder) / target).write_bytes((shipped.WEIGHTS / f"{name}.{source}").read_bytes())
        return convert(predict.read(Path(folder)), load_file(Path(folder) / "weights.safetensors"))


def convert(loaded: predict.Loaded, stored: dict[str, Tensor]) -> bytes:
    """The ONNX file of a network read by `baselines.predict`; weights stored as 8-bit integers stay such."""
    width, height = loaded.size
    whole = Whole(loaded.network.to(memory_format=torch.contiguous_format)).eval()  # type: ignore[call-overload]
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            whole, (torch.zeros(1, 3, height, width),), dynamo=True, opset_version=OPSET, verbose=False,
            input_names=["image"], output_names=["logits"],
        )  # fmt: skip
    assert program is not None
    model: onnx.ModelProto = program.model_proto
    keep_integers(model, stored)
    del model.metadata_props[:]
    for node in model.graph.node:  # where in which file it came from: nobody's business, and most of a small model
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


def keep_integers(model: onnx.ModelProto, stored: dict[str, Tensor]) -> None:
    """Write weights that came as integers as such, with a cast and a multiplication, which runtimes do once on loading.

    Folding batch norms has only multiplied each channel's scale: the factor is found again by least squares.
    """
    graph, nodes = model.graph, []
    for initializer in list(graph.initializer):
        key = initializer.name.removeprefix("network.")
        if key + SCALE not in stored:
            continue
        whole, scale = stored[key].numpy().astype(np.float32), stored[key + SCALE]
        folded = numpy_helper.to_array(initializer)
        channels = int(np.argmax(scale.shape))
        others = tuple(dim for dim in range(whole.ndim) if dim != channels)
        energy = np.maximum((whole * whole).sum(axis=others, keepdims=True), 1)
        factor = ((folded * whole).sum(axis=others, keepdims=True) / energy).astype(np.float32)
        name = initializer.name
        graph.initializer.remove(initializer)
        graph.initializer.extend(
            [
                numpy_helper.from_array(stored[key].numpy(), f"{name}.int8"),
                numpy_helper.from_array(factor, f"{name}.scale"),
            ]
        )
        nodes += [
            helper.make_node("Cast", [f"{name}.int8"], [f"{name}.float"], to=TensorProto.FLOAT),
            helper.make_node("Mul", [f"{name}.float", f"{name}.scale"], [name]),
        ]
    old = list(graph.node)
    del graph.node[:]
    graph.node.extend([*nodes, *old])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m baselines.export", description="A baseline as ONNX.")
    parser.add_argument("name", help="one of: " + ", ".join(shipped.names()))
    parser.add_argument("--out", type=Path, default=Path(), help="directory for NAME.onnx (default: here)")
    options = parser.parse_args(arguments)
    try:
        data = export(options.name)
    except KeyError as error:
        print(f"error: {error.args[0]}", file=sys.stderr)
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / f"{options.name}.onnx").write_bytes(data)
    print(options.out / f"{options.name}.onnx", f"{len(data) / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
