"""ONNX: the same labels as PyTorch, in the same kind of package."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from baselines import export, package, predict, predict_onnx
from baselines.models import NETWORKS, storing
from tests.baselines.scenes import scenes

CALL = """
import sys
sys.path.insert(0, "")
sys.modules["torch"] = None
import numpy as np, predict
predict.load()
labels = predict.predict(np.zeros((227, 320, 3), np.uint8))
assert labels.shape == (128, 256) and labels.dtype == np.uint8 and labels.max() <= 6, labels
"""


def both(folder: Path, onnx: bytes) -> tuple[predict.Loaded, predict_onnx.Loaded]:
    (folder / "model.onnx").write_bytes(onnx)
    return predict.read(folder), predict_onnx.read(folder)


@pytest.mark.parametrize("name", package.names())
def test_all_but_one_pixel_of_a_thousand_get_the_same_label(name: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(package.package(name, tmp_path)) as archive:
        archive.extractall(tmp_path)
    ours, theirs = both(tmp_path, export.export(name))
    images = scenes(8, 5).images
    same = [predict.classify(ours, image) == predict_onnx.classify(theirs, image) for image in images]
    assert np.mean(same) > 0.999


@pytest.mark.parametrize(("name", "outputs", "size"), [("drn_d_22", 8, (64, 32)), ("unet", 7, (320, 224))])
def test_other_sizes_outputs_and_stored_integers_do_too(
    name: str, outputs: int, size: tuple[int, int], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    network = NETWORKS[name](classes=outputs).train()
    network(torch.randn(2, 3, 16, 16))  # running statistics other than 0 and 1
    stored = storing.narrow(network, "int8")
    save_file(stored, tmp_path / "weights.safetensors")
    facts = {"network": name, "outputs": outputs, "width": size[0], "height": size[1]}
    (tmp_path / "model.json").write_text(json.dumps({**facts, "mean": [0.5] * 3, "std": [1] * 3}))
    data = export.convert(predict.read(tmp_path), stored)
    assert len(data) < 1.1 * (tmp_path / "weights.safetensors").stat().st_size
    ours, theirs = both(tmp_path, data)
    image = scenes(1, 6).images[0]
    same = predict.classify(ours, image) == predict_onnx.classify(theirs, image)
    assert same.mean() > 0.999


def test_the_onnx_package_runs_alone_and_without_torch(tmp_path: Path) -> None:
    assert package.main(["dws_g8", "--base", "onnx", "--out", str(tmp_path)]) == 0
    with zipfile.ZipFile(tmp_path / "dws_g8-onnx.zip") as archive:
        archive.extractall(tmp_path / "submission")
        assert archive.namelist() == ["model-card.md", "model.json", "model.onnx", "predict.py"]
    done = subprocess.run(
        [sys.executable, "-I", "-c", CALL], cwd=tmp_path / "submission", capture_output=True, text=True, check=False,
        env={"OMP_NUM_THREADS": "1", "PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_without_what_exports_the_remedy_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "baselines.export", None)
    assert package.main(["dws_g8", "--base", "onnx", "--out", str(tmp_path)]) == 1
    assert "pip install -r requirements-dev.txt" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_command_writes_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export.main(["dws_g8", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "dws_g8.onnx").stat().st_size < 1_000_000
    assert export.main(["nobody"]) == 1
    assert "no weights for 'nobody'" in capsys.readouterr().err
