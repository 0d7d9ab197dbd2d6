"""What can go wrong that is not the submission's doing, and an image that is refused before it runs."""

from __future__ import annotations


class SandboxError(Exception):
    """Base of this package's errors."""


class SandboxUnavailable(SandboxError):
    """The container engine can't be reached, or failed at its own work. The platform's fault; worth another try."""


class BadArchive(SandboxError):
    """The zip or directory can't be accepted. The team's fault: the message names the entry and the remedy."""


class BadImage(SandboxError):
    """The image can't be accepted. The team's fault: the message names the entry and the remedy."""
