"""Losses of the recipes: class-weighted cross-entropy and Lovász-softmax. Neither makes a GPU wait for the CPU."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from baselines.data import IGNORE


def class_weights(shares: NDArray[np.float64], kind: str) -> Tensor | None:
    """Weights float32[7] with mean 1: 1 / ln(1.10 + share) (ENet, arXiv:1606.02147, section 5.2), or its root."""
    if kind == "none":
        return None
    weights = 1 / np.log(1.10 + shares)
    if kind == "sqrt":
        weights = np.sqrt(weights)
    return torch.from_numpy((weights / weights.mean()).astype(np.float32))


def cross_entropy(logits: Tensor, labels: Tensor, weights: Tensor | None) -> Tensor:
    """Weighted mean over labelled pixels; 0 where none is labelled. logits [N, C, H, W], labels [N, H, W]."""
    losses = functional.cross_entropy(logits, labels, weight=weights, ignore_index=IGNORE, reduction="sum")
    known = labels != IGNORE
    if weights is None:
        return losses / known.sum().clamp(min=1)
    shares = weights[labels.clamp(max=len(weights) - 1)] * known
    return losses / shares.sum().clamp(min=1e-6)


def lovasz_softmax(logits: Tensor, labels: Tensor) -> Tensor:
    """Lovász extension of the Jaccard loss, mean over the classes present in the batch.

    Berman, Triki, Blaschko: "The Lovász-Softmax loss", CVPR 2018 (arXiv:1705.08790), Eq. 9 and 11 with Algorithm 1.
    logits float[N, C, H, W], labels int64[N, H, W]; labels of 255 don't take part.
    """
    classes = logits.shape[1]
    probabilities = logits.softmax(dim=1).permute(1, 0, 2, 3).reshape(classes, -1)  # [C, P]
    truth = labels.reshape(1, -1)
    foreground = (truth == torch.arange(classes, device=labels.device)[:, None]).float()
    # unlabelled pixels are sorted to the end, where steps of the loss are multiplied by errors of 0
    errors = (foreground - probabilities).abs().masked_fill(truth == IGNORE, -1)
    errors, order = errors.sort(dim=1, descending=True)
    steps = jaccard_steps(foreground.gather(1, order))
    losses = (errors.clamp(min=0) * steps).sum(dim=1)
    present = foreground.amax(dim=1)
    return (losses * present).sum() / present.sum().clamp(min=1)


def jaccard_steps(foreground: Tensor) -> Tensor:
    """How much the Jaccard loss grows with each further mistake, worst first: float[C, P] (Algorithm 1)."""
    total = foreground.sum(dim=1, keepdim=True)
    intersection = total - foreground.cumsum(1)
    union = total + (1 - foreground).cumsum(1)
    jaccard = 1 - intersection / union.clamp(min=1)
    return torch.diff(jaccard, dim=1, prepend=torch.zeros_like(jaccard[:, :1]))
