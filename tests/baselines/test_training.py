"""Training: resuming is exact, four images can be learnt, augmentation keeps labels with their pixels."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from baselines import config as configuration
from baselines import train
from baselines.config import Config, ConfigError
from baselines.data import Source, augment, batches, class_shares, crop_box, read_split
from baselines.losses import class_weights, cross_entropy, lovasz_softmax
from baselines.scoring import score
from baselines.train import Sources
from evaluator.scenes import draw_scene

SMALL = configuration.parse(
    {
        "name": "dws_g8", "recipe": "modern", "epochs": 4, "height": 64, "width": 96, "batch": 4,
        "drawn_scenes": 8, "drawn_per_epoch": 4, "warmup_epochs": 1.0, "evaluate_every": 2,
    }
)  # fmt: skip


def scenes(count: int, seed: int) -> Source:
    drawn = [draw_scene(np.random.default_rng([seed, index])) for index in range(count)]
    return Source(np.stack([image for image, _ in drawn]), np.stack([label for _, label in drawn]))


@pytest.fixture(scope="module")
def sources() -> Sources:
    return Sources(real=scenes(8, 1), drawn=scenes(8, 2), val=scenes(3, 3))


def quiet(line: str) -> None:
    pass


@pytest.mark.parametrize("name", ["erfnet_compressed", "dws_g8"])
def test_interrupted_and_resumed_equals_uninterrupted_bit_for_bit(name: str, sources: Sources, tmp_path: Path) -> None:
    config = dataclasses.replace(SMALL, name=name)
    whole = train.train(config, sources, tmp_path / "whole", say=quiet)

    class Interrupted(Exception):
        pass

    def stop_after_two(line: str) -> None:
        if line.startswith("epoch 2/"):
            raise Interrupted

    with pytest.raises(Interrupted):
        train.train(config, sources, tmp_path / "parts", say=stop_after_two)
    parts = train.train(config, sources, tmp_path / "parts", resume=True, say=quiet)

    for mine, other in ((whole.model, parts.model), (whole.average, parts.average), (whole.head, parts.head)):
        for key, value in mine.state_dict().items():
            assert torch.equal(value, other.state_dict()[key]), key
    seen = [{k: v for k, v in entry.items() if k != "seconds"} for entry in whole.log]
    assert [{k: v for k, v in entry.items() if k != "seconds"} for entry in parts.log] == seen
    assert [entry["epoch"] for entry in json.loads((tmp_path / "parts" / "log.json").read_text())] == [1, 2, 3, 4]


def test_a_checkpoint_of_another_configuration_is_refused(sources: Sources, tmp_path: Path) -> None:
    train.train(dataclasses.replace(SMALL, epochs=1), sources, tmp_path, say=quiet)
    with pytest.raises(ConfigError, match="another epochs, seed"):
        train.train(dataclasses.replace(SMALL, epochs=2, seed=5), sources, tmp_path, resume=True, say=quiet)


def test_an_untrained_network_is_poor_and_four_images_are_learnt() -> None:
    config = dataclasses.replace(
        SMALL, name="erfnet_compressed", epochs=60, scale_min=1.0, scale_max=1.0, flip=0.0, jitter=0.0, dropout=0.0,
        rare_crops=0.0, precision="fp32", learning_rate=5e-3, ema=0.9, height=64, width=128,
    )  # fmt: skip
    four = scenes(4, 4)
    run = train.Run.start(config)
    assert score(run.average, four, config).miou < 0.15
    torch.set_num_threads(1)
    weights = class_weights(class_shares([four]), config.class_weights)
    for _ in range(config.epochs):
        train.train_epoch(run, Sources(four, None, None), weights)
        run.epoch += 1
    assert score(run.average, four, config).miou > 0.45


def test_too_few_images_for_a_batch_is_said(sources: Sources, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="batch is 64, but there are only 12 training images"):
        train.train(dataclasses.replace(SMALL, batch=64), sources, tmp_path, say=quiet)


def test_an_epoch_depends_on_seed_and_number_alone(sources: Sources) -> None:
    def first(seed: int, epoch: int) -> torch.Tensor:
        config = dataclasses.replace(SMALL, seed=seed)
        return next(iter(batches(sources.real, sources.drawn, config, epoch)))[0]

    assert torch.equal(first(1, 0), first(1, 0))
    assert not torch.equal(first(1, 0), first(1, 1))
    assert not torch.equal(first(1, 0), first(2, 0))


def painted() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """An image whose red channel is 30 times its label, in blocks."""
    label = np.kron(np.arange(35).reshape(5, 7) % 7, np.ones((45, 46))).astype(np.uint8)[:227, :320]
    label = np.pad(label, ((0, 2), (0, 0)), mode="edge")[:227, :320]
    label = np.pad(label, ((0, 227 - label.shape[0]), (0, 320 - label.shape[1])), mode="edge")
    return np.repeat((label * 30)[:, :, None], 3, axis=2), label


@pytest.mark.parametrize("seed", range(6))
def test_labels_stay_on_their_pixels(seed: int) -> None:
    image, label = augment(*painted(), SMALL, np.random.default_rng(seed))
    assert image.shape == (64, 96, 3)
    assert label.shape == (64, 96)
    known = label != 255
    agree = np.abs(image[:, :, 0].astype(int) - label.astype(int) * 30)[known] < 15
    assert agree.mean() > 0.85  # all but the blurred borders of the blocks


def test_rare_crops_hold_a_rare_class() -> None:
    label = np.zeros((227, 320), np.uint8)
    label[100, 300], label[220, 3] = 1, 2
    for seed in range(30):
        left, top, right, bottom = crop_box(label, 1.7, 1.0, np.random.default_rng(seed))
        assert 0 <= left < right <= 320
        assert 0 <= top < bottom <= 227
        assert (label[int(top) : int(np.ceil(bottom)), int(left) : int(np.ceil(right))] > 0).any()


def test_lovasz_is_the_jaccard_loss_at_the_corners() -> None:
    """For predictions of certainty the extension is the Jaccard loss itself (Berman et al. 2018, section 2)."""
    labels = torch.tensor([[[0, 0, 1, 1, 1, 255]]])
    predicted = torch.tensor([[[0, 1, 1, 1, 0, 0]]])
    logits = 100 * torch.nn.functional.one_hot(predicted, 2).permute(0, 3, 1, 2).float()
    iou = (1 / 3 + 2 / 4) / 2
    assert lovasz_softmax(logits, labels).item() == pytest.approx(1 - iou, abs=1e-5)


def test_losses_of_an_unlabelled_batch_are_zero_and_can_be_differentiated() -> None:
    logits = torch.randn(1, 7, 4, 4, requires_grad=True)
    nothing = torch.full((1, 4, 4), 255)
    loss = cross_entropy(logits, nothing, None) + lovasz_softmax(logits, nothing)
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss.item() == 0


def test_class_weights_are_those_of_the_recipe() -> None:
    shares = np.array([0.32385, 0.02187, 0.01305, 0.08056, 0.11204, 0.25975, 0.18872])
    full = class_weights(shares, "full")
    assert full is not None
    published = np.array([2.830, 8.696, 9.336, 6.024, 5.200, 3.254, 3.942])  # BASELINES.md section 6
    np.testing.assert_allclose(full.numpy(), published / published.mean(), rtol=2e-3)
    assert class_weights(shares, "none") is None


def test_a_directory_without_images_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"is .* an IDD-lite directory"):
        read_split(tmp_path, "train")


def test_the_command_trains_on_drawn_scenes_alone_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IDD_LITE", raising=False)
    config = tmp_path / "tiny.toml"
    config.write_text(
        'name = "dws_g8"\nrecipe = "modern"\nepochs = 1\ndrawn_scenes = 4\ndrawn_per_epoch = 4\nbatch = 4\n'
        "height = 32\nwidth = 64\n"
    )
    assert train.main([str(config), "--runs", str(tmp_path / "runs")]) == 0
    assert "training on drawn scenes only" in capsys.readouterr().out
    assert (tmp_path / "runs" / "dws_g8" / "checkpoint.pt").exists()


@pytest.mark.parametrize("text", ['name = "nobody"\nrecipe = "modern"\nepochs = 1\n', "nonsense = 1\n"])
def test_the_command_ends_with_a_clear_error(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "bad.toml"
    config.write_text(text)
    assert train.main([str(config), "--runs", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("error: ")


def test_the_schedule_warms_up_and_ends_at_zero() -> None:
    config: Config = dataclasses.replace(SMALL, epochs=10, warmup_epochs=2.0, learning_rate=1.0)
    rates = [train.learning_rate(config, epoch / 10) for epoch in range(101)]
    assert rates[0] == pytest.approx(0.05)
    assert max(rates) == rates[20] == pytest.approx(1.0)
    assert rates[100] == pytest.approx(0.0)
