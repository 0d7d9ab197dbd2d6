"""Makes the weights of the smoke submissions: one small net, trained on drawn scenes, in three formats.

    python -m tests.sandbox.smoke.make            trains, then converts (some minutes)
    python -m tests.sandbox.smoke.make convert    only converts pytorch/weights.safetensors

The SavedModel is written by TensorFlow itself, in its own base image. The ONNX file is written here by hand, field by
field, since ONNX is protobuf and this net needs three kinds of operators.
"""

from __future__ import annotations

import io
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from safetensors.numpy import load_file
from safetensors.torch import save_file

from evaluator.sample import draw_sample
from sandbox.bases.build import build
from sandbox.engine import connect
from tests.sandbox.smoke.pytorch.predict import HEIGHT, WIDTH, Net, features

HERE = Path(__file__).parent
WEIGHTS = HERE / "pytorch" / "weights.safetensors"
CLASSES = 7
STEPS = 1500

Weights = dict[str, npt.NDArray[np.float32]]


def main() -> None:
    if sys.argv[1:] != ["convert"]:
        save_file(train(), WEIGHTS)
    weights = load_file(WEIGHTS)
    (HERE / "onnx" / "model.onnx").write_bytes(onnx_model(weights))
    save_tensorflow_model(weights, HERE / "tensorflow")


# -- training -------------------------------------------------------------------------------------------------------


def train() -> dict[str, torch.Tensor]:
    """Weights of `Net`: Adam with a falling rate, rarer classes weighing more."""
    with tempfile.TemporaryDirectory() as folder:
        draw_sample(Path(folder), train=60, val=0, seed=1)
        images, labels = _examples(Path(folder))
    counts = torch.bincount(labels[labels < CLASSES], minlength=CLASSES).float()
    balance = (counts.sum() / counts).sqrt()
    torch.manual_seed(0)
    net = Net()
    optimizer = torch.optim.Adam(net.parameters(), 6e-3)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, STEPS)
    loss = torch.nn.CrossEntropyLoss(weight=balance / balance.mean(), ignore_index=255)
    for _ in range(STEPS):
        chosen = torch.randint(0, len(images), (8,))
        optimizer.zero_grad()
        loss(net(images[chosen]), labels[chosen]).backward()
        optimizer.step()
        schedule.step()
    return net.state_dict()


def _examples(folder: Path) -> tuple[torch.Tensor, torch.Tensor]:
    images, labels = [], []
    for path in sorted(folder.glob("leftImg8bit/train/*/*_image.jpg")):
        label = folder / "gtFine" / "train" / path.parent.name / path.name.replace("_image.jpg", "_label.png")
        images.append(features(np.asarray(Image.open(path))))
        labels.append(np.asarray(Image.open(label).resize((WIDTH, HEIGHT), Image.Resampling.NEAREST)))
    return torch.from_numpy(np.concatenate(images)), torch.from_numpy(np.stack(labels)).long()


# -- ONNX: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto names the field numbers ---------------------------

_FLOAT, _INT64 = 1, 7


def onnx_model(weights: Weights) -> bytes:
    """features float32[1, 4, 128, 256] to labels int64[1, 128, 256]."""
    tensors = {name.replace(".", "_"): values for name, values in weights.items()}
    tensors["scales"] = np.array([1, 1, 2, 2], np.float32)
    nodes = [
        _node("Conv", ["features", "0_weight", "0_bias"], "a", strides=[2, 2], pads=[1, 1, 1, 1]),
        _node("Relu", ["a"], "b"),
        _node("Conv", ["b", "2_weight", "2_bias"], "c", pads=[1, 1, 1, 1]),
        _node("Relu", ["c"], "d"),
        _node("Conv", ["d", "4_weight", "4_bias"], "e"),
        _node("Resize", ["e", "", "scales"], "f", mode="linear", coordinate_transformation_mode="half_pixel"),
        _node("ArgMax", ["f"], "labels", axis=1, keepdims=0),
    ]
    graph = b"".join(
        [
            *(_field(1, node) for node in nodes),
            _field(2, "smoke"),
            *(_field(5, _tensor(name, values)) for name, values in tensors.items()),
            _field(11, _value("features", _FLOAT, (1, 4, HEIGHT, WIDTH))),
            _field(12, _value("labels", _INT64, (1, HEIGHT, WIDTH))),
        ]
    )
    operators = _field(1, "") + _field(2, 13)
    return _field(1, 8) + _field(7, graph) + _field(8, operators)


def _node(operator: str, inputs: list[str], output: str, **attributes: int | str | list[int]) -> bytes:
    names = b"".join(_field(1, each) for each in inputs)
    return (
        names
        + _field(2, output)
        + _field(4, operator)
        + b"".join(_field(5, _attribute(name, value)) for name, value in attributes.items())
    )


def _attribute(name: str, value: int | str | list[int]) -> bytes:
    if isinstance(value, int):
        return _field(1, name) + _field(3, value) + _field(20, 2)
    if isinstance(value, str):
        return _field(1, name) + _field(4, value) + _field(20, 3)
    return _field(1, name) + b"".join(_field(8, each) for each in value) + _field(20, 7)


def _tensor(name: str, values: npt.NDArray[np.float32]) -> bytes:
    shape = b"".join(_field(1, length) for length in values.shape)
    return shape + _field(2, _FLOAT) + _field(8, name) + _field(9, values.astype("<f4").tobytes())


def _value(name: str, kind: int, shape: tuple[int, ...]) -> bytes:
    lengths = b"".join(_field(1, _field(1, length)) for length in shape)
    return _field(1, name) + _field(2, _field(1, _field(1, kind) + _field(2, lengths)))


def _field(number: int, value: int | str | bytes) -> bytes:
    """One field in protobuf's wire format."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    content = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


# -- TensorFlow -----------------------------------------------------------------------------------------------------

_EXPORT = """
import numpy as np
import tensorflow as tf

class Net(tf.Module):
    def __init__(self, weights):
        self.weights = {name: tf.Variable(values) for name, values in weights.items()}

    @tf.function(input_signature=[tf.TensorSpec([1, 128, 256, 4], tf.float32)])
    def __call__(self, features):
        w = self.weights
        edge = [[0, 0], [1, 1], [1, 1], [0, 0]]
        a = tf.nn.relu(tf.nn.conv2d(tf.pad(features, edge), w["0_weight"], 2, "VALID") + w["0_bias"])
        b = tf.nn.relu(tf.nn.conv2d(tf.pad(a, edge), w["2_weight"], 1, "VALID") + w["2_bias"])
        c = tf.nn.conv2d(b, w["4_weight"], 1, "VALID") + w["4_bias"]
        return tf.cast(tf.argmax(tf.image.resize(c, [128, 256]), 3), tf.uint8)

tf.saved_model.save(Net(np.load("/tmp/weights.npz")), "/tmp/model")
"""


def save_tensorflow_model(weights: Weights, folder: Path) -> None:
    """Writes the SavedModel `model/` into a folder."""
    packed = io.BytesIO()
    last_is_outputs = {
        name.replace(".", "_"): values.transpose(*_to_hwio(values.ndim)) for name, values in weights.items()
    }
    np.savez(packed, **last_is_outputs)
    client = connect()
    container = client.containers.create(
        build("tensorflow"), ["-c", _EXPORT], entrypoint="python3", network_mode="none"
    )
    try:
        entry = tarfile.TarInfo("weights.npz")
        entry.size = packed.tell()
        entry.mode = 0o644
        tar = io.BytesIO()
        with tarfile.open(fileobj=tar, mode="w") as writer:
            writer.addfile(entry, io.BytesIO(packed.getvalue()))
        container.put_archive("/tmp", tar.getvalue())
        container.start()
        assert container.wait()["StatusCode"] == 0, container.logs().decode()
        with tarfile.open(fileobj=io.BytesIO(b"".join(container.get_archive("/tmp/model")[0]))) as reader:
            reader.extractall(folder, filter="data")
    finally:
        container.remove(force=True)


def _to_hwio(dimensions: int) -> tuple[int, ...]:
    return (2, 3, 1, 0) if dimensions == 4 else tuple(range(dimensions))


if __name__ == "__main__":
    main()
