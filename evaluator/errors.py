"""Whose fault is it? The team's (shown to them, final) or the platform's (logged, retried)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from sandbox import Code, SandboxUnavailable


class EvaluatorError(Exception):
    """Base of this package's errors."""


class SubmissionError(EvaluatorError):
    """The submission can't be evaluated as it is. The message is shown to the team and says what to mend."""


class BadPrediction(SubmissionError):
    """One label map of an archive is missing, was not asked for, or is none. The message names it."""


class PlatformError(EvaluatorError):
    """We failed. The attempt is repeated and never charged to the team.

    Attributes:
        code: which platform verdict this is, e.g. `Code.ENGINE_FAULT`.
    """

    def __init__(self, code: Code, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class DatasetError(EvaluatorError):
    """A data set that is not laid out as it must be; the message names the file and what is wrong with it."""


@contextlib.contextmanager
def faults_are_ours() -> Iterator[None]:
    """The one place where what we fail at becomes a platform verdict.

    Raises:
        PlatformError: in place of an engine, a data set or a disk that failed.
    """
    try:
        yield
    except SandboxUnavailable as error:
        raise PlatformError(Code.ENGINE_FAULT, str(error)) from error
    except DatasetError as error:
        raise PlatformError(Code.SCORER_FAULT, str(error)) from error
    except OSError as error:
        raise PlatformError(Code.DISK_FAULT, str(error)) from error
