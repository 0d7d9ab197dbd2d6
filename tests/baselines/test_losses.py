"""Losses of the recipes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from baselines.losses import class_weights, cross_entropy, lovasz_softmax


def test_lovasz_is_the_jaccard_loss_at_the_corners() -> None:
    """For predictions of certainty the extension is the Jaccard loss itself (Berman et al. 2018, section 2)."""
    labels = torch.tensor([[[0, 0, 1, 1, 1, 255]]])
    predicted = torch.tensor([[[0, 1, 1, 1, 0, 0]]])
    logits = 100 * torch.nn.functional.one_hot(predicted, 2).permute(0, 3, 1, 2).float()
    iou = (1 / 3 + 2 / 4) / 2
    assert lovasz_softmax(logits, labels).item() == pytest.approx(1 - iou, abs=1e-5)


def test_classes_that_are_absent_don_t_count() -> None:
    labels = torch.zeros(1, 2, 2, dtype=torch.int64)
    logits = torch.tensor([50.0, 0.0, 0.0]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    assert lovasz_softmax(logits, labels).item() == pytest.approx(0, abs=1e-5)


def test_losses_of_an_unlabelled_batch_are_zero_and_can_be_differentiated() -> None:
    logits = torch.randn(1, 7, 4, 4, requires_grad=True)
    nothing = torch.full((1, 4, 4), 255)
    weights = class_weights(np.full(7, 1 / 7), "sqrt")
    loss = cross_entropy(logits, nothing, None) + cross_entropy(logits, nothing, weights)
    loss = loss + lovasz_softmax(logits, nothing)
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss.item() == 0


@pytest.mark.parametrize("kind", ["none", "full"])
def test_cross_entropy_is_torch_s(kind: str) -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(2, 7, 5, 5), torch.randint(0, 7, (2, 5, 5))
    labels[0, :2] = 255
    weights = class_weights(np.linspace(0.01, 0.4, 7), kind)
    expected = torch.nn.functional.cross_entropy(logits, labels, weight=weights, ignore_index=255)
    assert cross_entropy(logits, labels, weights).item() == pytest.approx(expected.item(), rel=1e-5)


def test_class_weights_are_those_of_the_recipe() -> None:
    shares = np.array([0.32385, 0.02187, 0.01305, 0.08056, 0.11204, 0.25975, 0.18872])
    full = class_weights(shares, "full")
    assert full is not None
    published = np.array([2.830, 8.696, 9.336, 6.024, 5.200, 3.254, 3.942])
    np.testing.assert_allclose(full.numpy(), published / published.mean(), rtol=2e-3)
    assert class_weights(shares, "none") is None
