"""What a step shows: labels stay on their pixels, chances depend on seed, epoch and step alone."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from PIL import Image

from baselines import augment
from baselines import config as configuration
from baselines.config import Config
from baselines.data import MEAN, STD, Bank, Source, read_split
from tests.baselines.scenes import scenes

CPU = torch.device("cpu")
SMALL = configuration.parse(
    {"name": "dws_g8", "recipe": "modern", "height": 64, "width": 96, "batch": 4, "cutmix": 0.0, "blur": 0.0}
)
STILL = dataclasses.replace(
    SMALL, flip=0.0, shift=0, scale_min=1.0, scale_max=1.0, rotate=0.0, jitter=0.0, rare_crops=0.0
)


def painted(count: int = 8) -> Source:
    """Images whose red channel is 30 times their label, in blocks."""
    label = (np.arange(227)[:, None] // 45 * 3 + np.arange(320)[None] // 46).astype(np.uint8) % 7
    image = np.repeat((label * 30)[:, :, None], 3, axis=2)
    return Source(np.stack([image] * count), np.stack([label] * count))


def shown(config: Config, source: Source, epoch: int = 0, step: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    bank = Bank.of(source, None, CPU)
    return augment.batch(bank, augment.plan(config, bank.real, 0, epoch, CPU), step, config)


def red(images: torch.Tensor) -> torch.Tensor:
    return (images[:, 0] * STD[0] + MEAN[0]) * 255


@pytest.mark.parametrize("changes", [
    {}, {"cutmix": 0.9}, {"rotate": 0.99}, {"scale_min": 1.0}, {"scale_max": 0.6}, {"shift": 2},
    {"height": 224, "width": 320},
])  # fmt: skip
def test_labels_stay_on_their_pixels(changes: dict[str, float]) -> None:
    images, labels = shown(dataclasses.replace(SMALL, jitter=0.0, **changes), painted())
    known = labels < 7
    assert known.float().mean() > 0.15
    agree = (red(images) - labels * 30).abs()[known] < 15
    assert agree.float().mean() > 0.85  # all but the borders of the blocks, which are interpolated


def test_nothing_changed_is_what_predict_would_see() -> None:
    """Resized alone, the picture is the one that `baselines.predict` makes with Pillow, but for the filter's shape."""
    source = scenes(4, 1)
    images, labels = shown(STILL, source)
    order = augment.plan(STILL, 4, 0, 0, CPU).order
    for image, label, index in zip(images, labels, order, strict=True):
        resized = Image.fromarray(source.images[index]).resize((96, 64), Image.Resampling.BILINEAR)
        ours = (image.permute(1, 2, 0) * torch.tensor(STD) + torch.tensor(MEAN)) * 255
        assert (ours - torch.from_numpy(np.array(resized))).abs().mean() < 4
        nearest = Image.fromarray(source.labels[index]).resize((96, 64), Image.Resampling.NEAREST)
        assert (label.numpy() == np.asarray(nearest)).mean() > 0.995  # places just between two pixels fall either way


def test_outside_is_the_mean_colour_and_unlabelled_or_class_seven() -> None:
    small = dataclasses.replace(STILL, scale_min=0.5, scale_max=0.5)
    images, labels = shown(small, painted())
    outside = labels == 255
    assert outside.float().mean() == pytest.approx(0.75, abs=0.02)
    assert images.permute(0, 2, 3, 1)[outside].abs().max() == 0
    _, eight = shown(dataclasses.replace(small, classes=8), painted())
    assert torch.equal(eight == 7, outside)


def test_shifts_move_right_and_down_whatever_else_is_done() -> None:
    config = dataclasses.replace(STILL, shift=2, flip=0.5)
    bank = Bank.of(painted(), None, CPU)
    epoch = augment.plan(config, 8, 0, 3, CPU)
    _, labels = augment.batch(bank, epoch, 0, config)
    for label, (right, down) in zip(labels, epoch.shift.long().tolist(), strict=False):
        assert (label == 255).all(dim=0).sum() == right
        assert (label == 255).all(dim=1).sum() == down
        assert (label[down:, :right] == 255).all()


def test_rare_crops_hold_a_rare_class() -> None:
    label = np.zeros((227, 320), np.uint8)
    label[100, 300], label[220, 3] = 1, 2
    source = Source(np.zeros((32, 227, 320, 3), np.uint8), np.stack([label] * 32))
    config = dataclasses.replace(STILL, rare_crops=0.999, scale_min=1.7, scale_max=1.7, batch=32, height=224, width=320)
    bank = Bank.of(source, None, CPU)
    x, y = augment.windows(bank, augment.plan(config, 32, 0, 0, CPU), slice(0, 32), config)
    low = torch.stack([x.amin((1, 2)), y.amin((1, 2))], dim=1)
    high = torch.stack([x.amax((1, 2)), y.amax((1, 2))], dim=1)
    assert (low >= 0).all()
    assert (high <= torch.tensor([320, 227])).all()
    held = [((low <= s) & (high >= s)).all(dim=1) for s in (torch.tensor([300.5, 100.5]), torch.tensor([3.5, 220.5]))]
    assert (held[0] | held[1]).float().mean() > 0.9  # not where a place between two samples holds it


def test_an_image_without_rare_pixels_is_cropped_anywhere() -> None:
    config = dataclasses.replace(STILL, rare_crops=0.999, scale_min=2.0, scale_max=2.0)
    source = Source(np.zeros((4, 227, 320, 3), np.uint8), np.zeros((4, 227, 320), np.uint8))
    assert (shown(config, source)[1] == 0).all()


def test_turning_is_by_the_angle_that_was_drawn() -> None:
    bank = Bank.of(painted(), None, CPU)
    config = dataclasses.replace(STILL, rotate=0.999)
    epoch = augment.plan(config, 8, 0, 0, CPU)
    x, y = augment.windows(bank, epoch, slice(0, 4), config)
    slope = torch.atan2(y[:, 0, -1] - y[:, 0, 0], x[:, 0, -1] - x[:, 0, 0])
    assert torch.allclose(slope, epoch.angle[:4], atol=1e-4)
    assert 0 < float(epoch.angle.abs().max()) <= math.radians(8)


def test_an_epoch_depends_on_seed_and_number_alone() -> None:
    source = scenes(8, 1)

    def first(seed: int, epoch: int) -> torch.Tensor:
        return shown(dataclasses.replace(SMALL, seed=seed), source, epoch)[0]

    assert torch.equal(first(1, 0), first(1, 0))
    assert not torch.equal(first(1, 0), first(1, 1))
    assert not torch.equal(first(1, 0), first(2, 0))


def test_an_epoch_shows_each_real_image_once_and_some_drawn_ones() -> None:
    config = dataclasses.replace(SMALL, drawn_per_epoch=5)
    epoch = augment.plan(config, 11, 20, 0, CPU)
    found = sorted(epoch.order.tolist())
    assert found[:11] == list(range(11))
    assert len(set(found[11:])) == 5
    assert epoch.steps == 4
    assert sorted(augment.plan(config, 0, 20, 0, CPU).order.tolist()) == list(range(20))


def test_a_blur_takes_the_edges_and_leaves_others_alone() -> None:
    images = torch.zeros(2, 3, 16, 16)
    images[..., 8:] = 1
    config = dataclasses.replace(STILL, blur=0.5)
    soft = augment.colour(images, torch.zeros(2, 6), torch.tensor([True, False]), config)
    assert torch.equal(soft[1], images[1])
    assert 0.2 < float(soft[0, 0, 8, 7]) < 0.4
    assert torch.allclose(soft[0, ..., :4], images[0, ..., :4])


def test_images_of_two_sizes_are_refused() -> None:
    other = Source(np.zeros((1, 100, 100, 3), np.uint8), np.zeros((1, 100, 100), np.uint8))
    with pytest.raises(ValueError, match="not of one size"):
        Bank.of(painted(1), other, CPU)


def test_a_directory_without_images_is_named(tmp_path: object) -> None:
    with pytest.raises(FileNotFoundError, match=r"is .* an IDD-lite directory"):
        read_split(tmp_path, "train")  # type: ignore[arg-type]
