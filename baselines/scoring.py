"""mIoU of a network on a labelled split, by the official rule (evaluator.metrics)."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import nn

from baselines.config import Config
from baselines.data import Source, normalise
from evaluator.metrics import SCORE_SIZE, Scores, confusion_matrix, scores

BATCH = 8


@torch.inference_mode()
def score(network: nn.Module, source: Source, config: Config) -> Scores:
    """Images are resized as `baselines.predict` does, logits bilinearly to 256 x 128, labels by Pillow's NEAREST."""
    network.eval()
    size = (config.width, config.height)
    confusions = []
    for start in range(0, len(source), BATCH):
        images = source.images[start : start + BATCH]
        resized = [np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR)) for image in images]
        logits = network(normalise(np.stack(resized)))
        if logits.shape[-2:] != SCORE_SIZE[::-1]:
            logits = nn.functional.interpolate(logits, SCORE_SIZE[::-1], mode="bilinear", align_corners=False)
        predicted = logits.argmax(dim=1).to(torch.uint8).numpy()
        for truth, prediction in zip(source.labels[start : start + BATCH], predicted, strict=True):
            small = np.asarray(Image.fromarray(truth).resize(SCORE_SIZE, Image.Resampling.NEAREST))
            confusions.append(confusion_matrix(small, prediction))
    return scores(confusions)
