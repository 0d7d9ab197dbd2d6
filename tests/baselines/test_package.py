"""The packed baselines: what a team would upload, byte for byte the same, and working without the repository."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from baselines import card, package, predict, shipped
from baselines.config import parse
from baselines.models import NETWORKS, storing
from baselines.train import Run
from evaluator.sample import draw_sample

ROOT = Path(package.__file__).parent.parent
CALL = """
import sys, time
sys.path.insert(0, "")
import numpy as np
import predict
predict.load()
for shape in ((227, 320), (128, 256), (90, 51)):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    image.setflags(write=False)
    labels = predict.predict(image)
    assert labels.shape == (128, 256) and labels.dtype == np.uint8 and labels.max() <= 6, labels
import baselines
print(baselines.__file__)
"""


def test_both_first_baselines_have_weights_description_and_card() -> None:
    assert {"erfnet_compressed", "dws_g8"} <= set(package.names())
    for name in package.names():
        text = (shipped.WEIGHTS / f"{name}.md").read_text()
        facts = json.loads((shipped.WEIGHTS / f"{name}.json").read_text())
        assert f"{100 * facts['idd_lite_val']['miou']:.2f}" in text
        assert facts["idd_lite_val"]["images"] == 204
        assert "Its terms" in text


@pytest.mark.parametrize("name", package.names())
def test_the_package_runs_alone(name: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(package.package(name, tmp_path)) as archive:
        archive.extractall(tmp_path / "submission")
    done = subprocess.run(
        [sys.executable, "-I", "-c", CALL], cwd=tmp_path / "submission", capture_output=True, text=True, check=False,
        env={"OMP_NUM_THREADS": "1", "PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_relative_to(tmp_path / "submission")  # its own copy, not the repository's


def test_the_same_sources_give_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = package.names()[0]
    first = package.package(name, tmp_path / "a")
    shutil.copytree(shipped.WEIGHTS, tmp_path / "weights", copy_function=shutil.copyfile)  # with other times
    monkeypatch.setattr(shipped, "WEIGHTS", tmp_path / "weights")
    second = package.package(name, tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()
    assert [p.name for p in (tmp_path / "b").iterdir()] == [f"{name}.zip"]


def test_packing_needs_no_torch(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['torch'] = None; from baselines.package import main; sys.exit(main(sys.argv[1:]))"
    )
    name = package.names()[0]
    done = subprocess.run([sys.executable, "-c", program, name, "--out", str(tmp_path)], cwd=ROOT, check=False)
    assert done.returncode == 0
    assert (tmp_path / f"{name}.zip").exists()


def test_an_unknown_name_is_answered_with_those_there_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert package.main(["nobody", "--out", str(tmp_path)]) == 1
    assert "no weights for 'nobody'; there are: dws_g8" in capsys.readouterr().err


@pytest.fixture
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "WEIGHTS", tmp_path / "weights")
    monkeypatch.setattr(shipped, "RESULTS", tmp_path / "results")


def a_run(folder: Path, **changes: object) -> None:
    config = parse({"name": "dws_g8", "recipe": "quick", "epochs": 9, **changes})
    log = [{"seconds": 60.0, "images": 96, "loss": 1.5, "miou": 0.25}]
    state = {**Run.start(config).outcome(), "epoch": 4, "sources": {"idd_lite": 0, "drawn": 8}, "log": log}
    folder.mkdir()
    torch.save(state, folder / "checkpoint.pt")


@pytest.mark.usefixtures("own_folders")
def test_a_card_is_written_from_a_run_and_its_measurements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a validation split of drawn scenes in the place of IDD-lite's."""
    monkeypatch.setattr(card, "DRAWN_VAL", 6)  # all classes within it; 40 take their time
    draw_sample(tmp_path / "set", train=0, val=6, seed=3)
    a_run(tmp_path / "run")
    facts = card.make(tmp_path / "run", tmp_path / "set")
    text = (tmp_path / "weights" / "dws_g8.md").read_text()
    assert facts["parameters"] == 193_971
    assert facts["weights"]["dtype"] == "int8"
    assert "Not finished: 4 of 9 epochs" in text
    assert "Data: 8 drawn scenes" in text
    assert shipped.names() == ["dws_g8"]
    assert shipped.records()[0]["curve"] == [[1.0, 25.0]]
    assert (tmp_path / "weights" / "dws_g8.safetensors").stat().st_size < 250_000
    weights_before = (tmp_path / "weights" / "dws_g8.json").read_bytes()

    a_run(tmp_path / "seed2", seed=2, classes=8)
    assert card.main([str(tmp_path / "seed2"), "--record-only", "--idd-lite", str(tmp_path / "set")]) == 0
    assert (tmp_path / "weights" / "dws_g8.json").read_bytes() == weights_before
    assert [each["training"]["seed"] for each in shipped.records()] == [1, 2]


@pytest.mark.usefixtures("own_folders")
def test_networks_without_weights_get_a_card_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    assert card.main(["--missing"]) == 0
    text = (tmp_path / "weights" / "unet.md").read_text()
    assert "**Status: not run (no GPU).**" in text
    assert "7,786,119" in text
    assert not (tmp_path / "weights" / "dws_full.md").exists()


@pytest.mark.parametrize("name", NETWORKS)
def test_rounded_weights_are_near_and_take_a_quarter(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = NETWORKS[name]()
    for how, most, share in (("int8", 0.1, 0.29), ("float16", 1e-3, 0.51), ("float32", 0.0, 1.01)):
        stored = storing.narrow(network, how)  # type: ignore[arg-type]
        widened = storing.widen(stored)
        assert sum(t.nbytes for t in stored.values()) < share * sum(t.nbytes for t in network.state_dict().values())
        assert list(widened) == list(network.state_dict())
        for key, value in network.state_dict().items():
            assert widened[key].dtype == value.dtype
            limit = most * float(value.abs().max())
            assert float((widened[key] - value).abs().max()) <= limit, (how, key)


def test_rounding_goes_by_output_channel_and_survives_zeros_and_outliers() -> None:
    weight = torch.randn(4, 8, 3, 3) * torch.tensor([1e-6, 1.0, 0.0, 1e3]).view(4, 1, 1, 1)
    rounded, scale = storing.to_int8(weight, 0)
    assert (rounded.dtype, scale.shape) == (torch.int8, (4, 1, 1, 1))
    error = (rounded * scale - weight).square().mean(dim=(1, 2, 3)).sqrt()
    assert (error <= 0.02 * weight.square().mean(dim=(1, 2, 3)).sqrt()).all()


def test_weights_too_large_for_half_precision_stay_whole() -> None:
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), torch.nn.BatchNorm2d(4))
    network[1].running_var.fill_(1e5)  # type: ignore[union-attr, operator]
    assert storing.narrow(network, "float16")["1.running_var"].dtype == torch.float32


def test_logits_of_another_size_are_resized_and_labels_never() -> None:
    network = NETWORKS["dws_g8"]().eval()
    loaded = predict.Loaded(network, (64, 32), np.ones(3, np.float32), np.zeros(3, np.float32))
    image = np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    labels = predict.classify(loaded, image)
    assert labels.shape == (128, 256)
    blocks = labels.reshape(32, 4, 64, 4).transpose(0, 2, 1, 3).reshape(-1, 16)
    assert (blocks != blocks[:, :1]).any()  # borders run through the input's pixels


def test_a_missing_run_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="train it first"):
        card.make(tmp_path, tmp_path)
