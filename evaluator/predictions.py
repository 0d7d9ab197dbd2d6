"""Takes the answers of a container, checks each on arrival, and keeps what scoring needs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from evaluator import label_maps
from evaluator.datasets import Dataset
from evaluator.errors import SubmissionError
from evaluator.metrics import NO_CLASS, Confusion, LabelMap, confusion_matrix
from sandbox import Questions


class Predictions:
    """The answers to one data set, in the order they were asked: confusion matrices, not pictures."""

    def __init__(self, dataset: Dataset, order: list[int]) -> None:
        self._dataset = dataset
        self._order = order
        side = NO_CLASS + 1
        self.confusions: npt.NDArray[np.int64] = np.zeros((len(dataset), side, side), dtype=np.int64)
        """int64[N, 8, 8], by the data set's own index."""

    def questions(self) -> Questions:
        """What the sandbox asks the container, and how its answers are judged."""
        return Questions(total=len(self._order), read=self._image, accept=self._accept)

    def _image(self, place: int) -> bytes:
        return self._dataset.image_bytes(self._order[place])

    def _accept(self, place: int, answer: bytes) -> str | None:
        index = self._order[place]
        try:
            prediction = label_maps.decode(answer)
        except label_maps.BadLabelMap as error:
            return str(error)
        self.confusions[index] = confusion_matrix(self._dataset.truth(index), prediction)
        return None


def score_files(predictions: Path, truth: Path) -> list[Confusion]:
    """Compares two directories: for each TRUTH/DRIVE/FRAME_label.png, the file of the same name below PREDICTIONS.

    Returns:
        One int64[8, 8] an image.

    Raises:
        SubmissionError: no truth at all, or a file is missing, unreadable, of another size or mode (named).
    """
    wanted = sorted(path for path in truth.rglob("*_label.png") if not path.name.endswith("_inst_label.png"))
    if not wanted:
        raise SubmissionError(f"{truth} has no *_label.png below it; give the directory of a split, e.g. gtFine/val")
    confusions = []
    for path in wanted:
        answer = predictions / path.relative_to(truth)
        confusions.append(confusion_matrix(_decode(path), _decode(answer)))
    return confusions


def _decode(path: Path) -> LabelMap:
    if not path.is_file() and path.exists():
        raise SubmissionError(f"{path} is not a file")  # reading a FIFO would wait for ever
    try:
        return label_maps.decode(path.read_bytes())
    except FileNotFoundError as error:
        raise SubmissionError(f"{path} is missing") from error
    except OSError as error:
        raise SubmissionError(f"{path} can't be read ({error.strerror})") from error
    except label_maps.BadLabelMap as error:
        raise SubmissionError(f"{path}: {error}") from error
