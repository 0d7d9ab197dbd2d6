"""What can go wrong that is not the submission's doing, and an image that is refused before it runs."""

from __future__ import annotations

import re
from typing import Self


class SandboxError(Exception):
    """Base of this package's errors."""


class SandboxUnavailable(SandboxError):
    """The container engine can't be reached, or failed at its own work. The platform's fault; worth another try."""


class BadArchive(SandboxError):
    """The zip or directory can't be accepted. The team's fault: the message names the entry and the remedy."""


class BadImage(SandboxError):
    """The image can't be accepted. The team's fault.

    Attributes:
        reason: what is wrong, e.g. "is a block device".
        entry: what the reason is about, e.g. "layer 2 of 5, entry 'dev/sda'"; "" where it is the image as a whole.
        remedy: what to do about it, e.g. "leave /dev to the container"; "" where nobody knows.
    """

    def __init__(self, reason: str, *, entry: str = "", remedy: str = "") -> None:
        super().__init__(reason)
        self.reason, self.entry, self.remedy = reason, entry, remedy

    def about(self, entry: str) -> Self:
        """The same error, about `entry` where it names none."""
        return type(self)(self.reason, entry=self.entry or entry, remedy=self.remedy)

    def __str__(self) -> str:
        """All three in one sentence."""
        said = f"{self.entry} {self.reason}" if self.entry else self.reason
        return f"{said}; {self.remedy}" if self.remedy else said


def shown(value: object) -> str:
    """Whatever a stranger wrote, in quotes: harmless, short, and without a whole digest."""
    text = re.sub(r"[0-9a-f]{32,}", lambda digest: f"{digest[0][:8]}…", repr(value))
    return text if len(text) <= 120 else f"{text[:80]}…{text[-30:]}"
