"""Whose fault is it? The team's (shown to them, final) or the platform's (logged, retried)."""

from __future__ import annotations

from sandbox import Code


class EvaluatorError(Exception):
    """Base of this package's errors."""


class SubmissionError(EvaluatorError):
    """The submission can't be evaluated as it is. The message is shown to the team and says what to mend."""


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
