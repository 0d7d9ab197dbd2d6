"""Code submissions, as a zip or a directory, made into a tar of plain files. Nothing is ever unpacked by path."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO

from evaluator.errors import SubmissionError
from sandbox import BadArchive, Content, Limits, pack, read_files


def pack_code(submission: Path, limits: Limits, sink: IO[bytes]) -> int:
    """Checks a code submission and writes it to `sink` as an uncompressed tar of regular, read-only files.

    Args:
        submission: a directory or a zip that holds predict.py at its top.

    Returns:
        Unpacked bytes of all files.

    Raises:
        SubmissionError: what is wrong, naming the entry, and the remedy.
    """
    lengths: dict[str, int] = {}

    def watched() -> Iterator[tuple[str, Content]]:
        for name, content in read_files(submission, limits):
            lengths[name] = content.size
            yield name, content

    try:
        pack(watched(), sink)
    except BadArchive as error:
        raise SubmissionError(str(error)) from error
    if "predict.py" not in lengths:
        nested = sorted(name for name in lengths if name.endswith("/predict.py"))
        hint = f"; it is at {nested[0]!r}: zip the files, not the folder around them" if nested else ""
        raise SubmissionError(f"there is no predict.py at the top of the archive{hint}")
    return sum(lengths.values())
