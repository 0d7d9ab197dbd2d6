"""Losses of the recipes: class-weighted cross-entropy and Lovász-softmax."""

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
    """Mean over labelled pixels; 0 with a gradient where none is labelled. logits [N, C, H, W], labels [N, H, W]."""
    if not bool((labels != IGNORE).any()):
        return logits.sum() * 0
    return functional.cross_entropy(logits, labels, weight=weights, ignore_index=IGNORE)


def lovasz_softmax(logits: Tensor, labels: Tensor) -> Tensor:
    """Lovász extension of the Jaccard loss, mean over the classes present in the batch.

    Berman, Triki, Blaschko: "The Lovász-Softmax loss", CVPR 2018 (arXiv:1705.08790), Eq. 9 and 11 with Algorithm 1.
    logits float[N, C, H, W], labels int64[N, H, W]; labels of 255 don't take part.
    """
    known = labels != IGNORE
    probabilities = logits.softmax(dim=1).permute(0, 2, 3, 1)[known]  # [P, C]
    truth = labels[known]
    losses = []
    for c in range(logits.shape[1]):
        foreground = (truth == c).float()
        if bool(foreground.any()):
            errors, order = (foreground - probabilities[:, c]).abs().sort(descending=True)
            losses.append(errors @ jaccard_steps(foreground[order]))
    return torch.stack(losses).mean() if losses else logits.sum() * 0


def jaccard_steps(foreground: Tensor) -> Tensor:
    """How much the Jaccard loss grows with each further mistake, worst first: float[P] (Algorithm 1)."""
    total = foreground.sum()
    intersection = total - foreground.cumsum(0)
    union = total + (1 - foreground).cumsum(0)
    jaccard = 1 - intersection / union
    return torch.cat([jaccard[:1], jaccard[1:] - jaccard[:-1]])
