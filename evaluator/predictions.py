"""Takes the answers of a container, checks each on arrival, and keeps what scoring needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evaluator import label_maps
from evaluator.datasets import Dataset
from evaluator.errors import BadPrediction, DatasetError, SubmissionError
from evaluator.metrics import NO_CLASS, Confusion, LabelMap, confusion_matrix
from sandbox import BadArchive, Limits, Questions, read_files, size
from sandbox.protocol import MAX_RESPONSE_BYTES


class Predictions:
    """The answers to one data set, in the order they were asked: confusion matrices, not pictures."""

    def __init__(
        self,
        dataset: Dataset,
        order: list[int],
        on_answer: Callable[[int, LabelMap], None] = lambda index, labels: None,
    ) -> None:
        self._dataset = dataset
        self._order = order
        self._on_answer = on_answer
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
        self.take(index, prediction)
        return None

    def take(self, index: int, prediction: LabelMap) -> None:
        """Compares one answer (uint8[128, 256]) with the truth."""
        self.confusions[index] = confusion_matrix(self._dataset.truth(index), prediction)
        self._on_answer(index, prediction)


def labels_below(truth: Path) -> dict[str, Path]:
    """DRIVE/FRAME_label.png to file, of a split of the truth, in the order of their names.

    Raises:
        SubmissionError: there are none.
    """
    found = sorted(path for path in truth.rglob("*_label.png") if not path.name.endswith("_inst_label.png"))
    if not found:
        raise SubmissionError(f"{truth} has no *_label.png below it; give the directory of a split, e.g. gtFine/val")
    return {path.relative_to(truth).as_posix(): path for path in found}


def labels_of(dataset: Dataset) -> dict[str, Path]:
    """The same of a data set, in its own order."""
    return {f"{item.key}_label.png": item.label for item in dataset.items}


def score_files(predictions: Path, truth: Path) -> list[Confusion]:
    """Compares two directories: for each TRUTH/DRIVE/FRAME_label.png, the file of the same name below PREDICTIONS.

    Returns:
        One int64[8, 8] an image.

    Raises:
        SubmissionError: no truth at all, or a file is missing, unreadable, of another size or mode (named).
    """
    return [confusion_matrix(_decode(path), _decode(predictions / name)) for name, path in labels_below(truth).items()]


def score_archive(archive: Path, truth: Mapping[str, Path], limits: Limits) -> list[Confusion]:
    """Compares a zip of label maps, named like the truth, with it.

    Args:
        truth: name in the archive to label file, e.g. `labels_of(dataset)`.

    Returns:
        One int64[8, 8] an image, in the order of `truth`.

    Raises:
        SubmissionError, BadPrediction: see `label_maps_in`.
        DatasetError: a label file of ours is not one.
    """
    found = {
        name: confusion_matrix(_truth(truth[name]), prediction)
        for name, prediction in label_maps_in(archive, list(truth), limits)
    }
    return [found[name] for name in truth]


def label_maps_in(archive: Path, names: Sequence[str], limits: Limits) -> Iterator[tuple[str, LabelMap]]:
    """The label maps of a zip, at scoring size, one after the other. One folder around them all is let pass.

    Args:
        names: all that must be in it, and nothing else.

    Raises:
        SubmissionError: the archive can't be read.
        BadPrediction: a file is missing, was not asked for, or is no label map (named). Those before it were good.
    """
    wanted, seen = set(names), set()
    folder: str | None = None
    try:
        for path, content in read_files(archive, limits):
            if folder is None:
                folder = "" if path in wanted else f"{path.partition('/')[0]}/"
            name = path.removeprefix(folder)
            if name not in wanted or not path.startswith(folder):
                raise BadPrediction(f"{path!r} was not asked for; {_what_to_zip(names)}")
            if content.size > MAX_RESPONSE_BYTES:
                raise BadPrediction(f"{path!r} has {size(content.size)}; at most {size(MAX_RESPONSE_BYTES)}")
            try:
                prediction = label_maps.decode(content.read())
            except label_maps.BadLabelMap as error:
                raise BadPrediction(f"{path!r}: {error}") from error
            seen.add(name)
            yield name, prediction
    except BadArchive as error:
        raise SubmissionError(str(error)) from error
    missing = [name for name in names if name not in seen]
    if missing:
        others = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise BadPrediction(f"{missing[0]!r}{others} of {len(names)} are missing; {_what_to_zip(names)}")


def _what_to_zip(names: Sequence[str]) -> str:
    return f"zip one label map an image and nothing else, named like {next(iter(names), 'DRIVE/FRAME_label.png')!r}"


def _truth(path: Path) -> LabelMap:
    try:
        return label_maps.decode(path.read_bytes())
    except (OSError, label_maps.BadLabelMap) as error:
        raise DatasetError(f"{path}: {error}") from error


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
