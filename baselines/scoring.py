"""mIoU of a network on a labelled split, by the official rule (evaluator.metrics)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from baselines.config import Config
from baselines.data import Bytes, Source, normalised
from evaluator.metrics import CLASS_NAMES, SCORE_SIZE, Scores, confusion_matrix, scores

BATCH = 8


class Exam:
    """A split made ready to be scored again and again: images and labels are resized once."""

    def __init__(self, source: Source, config: Config, device: torch.device) -> None:
        resized = [_resized(image, (config.width, config.height), Image.Resampling.BILINEAR) for image in source.images]
        self.images = torch.from_numpy(np.stack(resized)).permute(0, 3, 1, 2).to(device)
        self.truth = [_resized(label, SCORE_SIZE, Image.Resampling.NEAREST) for label in source.labels]
        self.normalise = config.normalise

    @torch.inference_mode()
    def score(self, network: nn.Module) -> Scores:
        """Images are resized as in `baselines.predict`, logits bilinearly to 256 x 128, labels by Pillow's NEAREST."""
        network.eval()
        found = [labels for part in torch.split(self.images, BATCH) for labels in self._classify(network, part)]
        return scores([confusion_matrix(truth, labels) for truth, labels in zip(self.truth, found, strict=True)])

    def _classify(self, network: nn.Module, images: Tensor) -> NDArray[np.uint8]:
        pixels = normalised(images, self.normalise).contiguous(memory_format=torch.channels_last)
        return label_maps(network(pixels))


def label_maps(logits: Tensor) -> NDArray[np.uint8]:
    """Classes at scoring size, uint8[N, 128, 256]: logits are resized, never labels; an eighth output is no answer."""
    if logits.shape[-2:] != SCORE_SIZE[::-1]:
        logits = nn.functional.interpolate(logits, SCORE_SIZE[::-1], mode="bilinear", align_corners=False)
    return np.asarray(logits[:, : len(CLASS_NAMES)].argmax(dim=1).to(torch.uint8).cpu().numpy())


def score(network: nn.Module, source: Source, config: Config) -> Scores:
    """Once, on the device where the network is."""
    return Exam(source, config, next(network.parameters()).device).score(network)


def _resized(picture: Bytes, size: tuple[int, int], how: Image.Resampling) -> Bytes:
    return np.asarray(Image.fromarray(picture).resize(size, how))
